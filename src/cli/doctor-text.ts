/**
 * The report of `bert4ort doctor` for people: facts first, then each device with what it lacks and how to get it.
 */
import type { DeviceReport, DoctorReport, GraphReport } from './doctor-report.ts';
import { formatList, formatTable } from './terminal.ts';

/** Lays the report out. */
export function doctorText(report: DoctorReport): string {
  return [
    formatTable(['what', 'found'], factRows(report)),
    ...report.devices.flatMap(deviceLines),
    ...(report.graphs.length === 0 ? [] : [formatTable(['graph', 'files', 'operators'], report.graphs.map(graphRow))]),
    ...report.graphs.flatMap(({ graph, problem }) => (problem === null ? [] : [`${graph}: ${problem}`])),
  ].join('\n');
}

function factRows({ bert4ort, onnxruntimeNode, machine, backends }: DoctorReport): string[][] {
  const { platform, node, glibc, processor, features, cores, threads, memory } = machine;
  const limit = memory.limit === null ? '' : `, ${mebibytes(memory.limit)} allowed`;
  return [
    ['bert4ort', bert4ort],
    ['onnxruntime-node', onnxruntimeNode ?? 'not installed'],
    ['Node', `${node}, ${platform}${glibc === null ? '' : `, glibc ${glibc}`}`],
    ['processor', `${processor}; ${cores} cores, ${threads} threads by default`],
    ['instructions', features === null ? 'unknown' : features.join(' ') || 'none of those that matter'],
    ['memory', `${mebibytes(memory.free)} of ${mebibytes(memory.total)} free${limit}`],
    ['backends', backends.map(({ name, bundled }) => (bundled ? name : `${name} (needs its libraries)`)).join(', ')],
  ];
}

function deviceLines({ device, works, found, problems, facts }: DeviceReport): string[] {
  const state = works === null ? 'perhaps' : works ? 'works' : 'does not work';
  return [
    `${device}: ${state}; ${found}`,
    ...formatList(
      '  missing',
      problems.map(({ file, why, fix }) => `  ${file}: ${why}. ${fix}`),
    ),
    ...facts.map(fact => `  ${fact}`),
  ];
}

function graphRow({ graph, bytes, placements }: GraphReport): string[] {
  const most = placements.map(({ provider, nodes, operators }, i) => {
    // The operators that stayed behind are the interesting ones.
    const names = i === 0 ? '' : ` (${Object.keys(operators).sort().join(', ')})`;
    return `${nodes} on ${provider.replace('ExecutionProvider', '')}${names}`;
  });
  return [graph, `${mebibytes(bytes)}, and about as much memory once open`, most.join('; ') || 'none ran'];
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(bytes < 2 ** 20 ? 2 : 0)} MiB`;
}
