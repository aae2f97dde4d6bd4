/**
 * `bert4ort doctor`: what this machine can run models on and, file by file, what keeps it from more. With a model also how
 * many of its operators each provider computes. Exit code 0 when the device asked for (the CPU, unless named) works.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { Bert4ortError, messageOf } from '../core/errors.ts';
import { VERSION } from '../core/version.ts';
import { loadModel } from '../node.ts';
import { diagnoseDevice } from '../session/diagnosis/device.ts';
import { describeMachine } from '../session/diagnosis/machine.ts';
import { findOrtPackage, holdsVersion, listOrtBackends } from '../session/diagnosis/ort.ts';
import type { DeviceDiagnosis } from '../session/diagnosis/report.ts';
import { type Command, EXIT, type Flags, jsonFlag, type Parsed } from './command.ts';
import { deviceFlags, sessionOptions } from './device-flags.ts';
import { probeDevice } from './device-probe.ts';
import type { DeviceReport, DoctorReport, GraphReport } from './doctor-report.ts';
import { doctorText } from './doctor-text.ts';
import { placeGraphs } from './place-graphs.ts';
import { printResult } from './terminal.ts';

const flags = { ...deviceFlags, ...jsonFlag } as const satisfies Flags;

type Options = Parsed<typeof flags>;

/** The command. */
export const doctorCommand: Command<typeof flags> = {
  command: 'doctor [model]',
  describe: 'Show what this machine can run models on, and what is missing for more',
  flags,
  examples: [
    ['$0 doctor', 'versions, processor, and the libraries that CUDA and WebGPU lack'],
    ['$0 doctor --device cuda', 'try CUDA; exit code 1 when it does not work'],
    ['$0 doctor models/qa --device webgpu', 'and which operators of the model run on the GPU'],
  ],
  run: runDoctor,
};

async function runDoctor(options: Options): Promise<number> {
  const report = await examine(options);
  printResult(options.json ? JSON.stringify(report) : doctorText(report));
  return report.ok ? EXIT.done : EXIT.failed;
}

async function examine(options: Options): Promise<DoctorReport> {
  const ort = findOrtPackage();
  const wanted = options.device === 'auto' ? 'cpu' : options.device;
  const devices: DeviceReport[] = [];
  for (const device of ['cpu', 'cuda', 'webgpu'] as const) {
    devices.push(await examineDevice(device, device === 'cpu' || device === wanted, options));
  }
  const model = options['model'];
  const graphs = model === undefined || ort === undefined ? [] : await examineModel(String(model), options);
  const usable = devices.every(({ device, works }) => device !== wanted || works === true);
  return {
    ok: usable && graphs.every(graph => graph.problem === null),
    bert4ort: VERSION,
    onnxruntimeNode: ort?.version ?? null,
    machine: describeMachine(),
    backends: ort === undefined ? [] : await listOrtBackends(),
    devices,
    graphs,
  };
}

async function examineDevice(
  device: DeviceDiagnosis['device'],
  trying: boolean,
  options: Options,
): Promise<DeviceReport> {
  const diagnosis = diagnoseDevice(device);
  const facts = [...diagnosis.facts, ...(device === 'cuda' ? versionFacts() : [])];
  if (diagnosis.problems.length > 0) return { ...diagnosis, facts, works: false, found: 'files are missing' };
  if (!trying) return { ...diagnosis, facts, works: null, found: `not tried; --device ${device} tries it` };
  try {
    const { difference, agrees } = await probeDevice({ ...sessionOptions(options), device });
    const found = `attention differs from the CPU's by ${difference.toExponential(1)}`;
    return { ...diagnosis, facts, works: agrees, found };
  } catch (error) {
    if (!(error instanceof Bert4ortError)) throw error;
    return { ...diagnosis, facts, works: false, found: messageOf(error) };
  }
}

/** A provider of another version than the library that loads it can end the process, so it is worth reading it whole. */
function versionFacts(): string[] {
  const ort = findOrtPackage();
  const provider = path.join(ort?.folder ?? '', 'libonnxruntime_providers_cuda.so');
  if (ort === undefined || !existsSync(provider) || holdsVersion(provider, ort.version)) return [];
  return [`${provider} doesn't say that it is of version ${ort.version}; another version can end the process`];
}

async function examineModel(directory: string, options: Options): Promise<GraphReport[]> {
  const model = await loadModel(directory);
  await model.dispose();
  return placeGraphs(directory, model.manifest, sessionOptions(options));
}
