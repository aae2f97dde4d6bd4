/**
 * What `bert4ort inspect` says about a model directory: its manifest, for people or as it is.
 */
import path from 'node:path';
import type { FileEntry, GraphEntry, Manifest, Port } from '../core/manifest.ts';
import { MANIFEST_FILE } from '../core/manifest.ts';
import { parseManifest } from '../core/manifest-parser.ts';
import { PROFILE_FILE, type ProfileEntry } from '../core/strategy-profile.ts';
import { describeLimit, describeSteps } from '../generation/strategy.ts';
import { readProfile } from '../io/profile-file.ts';
import { readBytes } from './read-input.ts';
import { formatTable, printResult } from './terminal.ts';

/**
 * Prints the manifest of the model directory at `directory`, and for people what was measured about it.
 * @throws IoError, FormatError as reading them does.
 */
export async function inspectModel(directory: string, json: boolean): Promise<void> {
  const text = new TextDecoder().decode(await readBytes(path.join(directory, MANIFEST_FILE)));
  const manifest = parseManifest(text, MANIFEST_FILE);
  if (json) return printResult(JSON.stringify(manifest));
  const { entries } = await readProfile(directory);
  printResult([manifestText(directory, manifest), ...entries.map(profileText)].join('\n'));
}

function manifestText(directory: string, manifest: Manifest): string {
  const { architecture, application, dimensions, attention, tokenizer, tasks, origin } = manifest;
  const rows = [
    ['model', `${architecture}, application ${application}, attention ${attention.visibility}`],
    ['sizes', pairs(dimensions)],
    ['tokenizer', tokenizer === undefined ? 'none' : pairs(tokenizer)],
    [
      'tasks',
      Object.entries(tasks)
        .map(([task, settings]) => `${task}: ${pairs(settings)}`)
        .join('\n') || 'defaults',
    ],
    ['converted from', `${origin.files.map(({ file }) => file).join(', ')} (${origin.format}, ${origin.scheme})`],
    ['keywords', pairs(origin.options)],
    ['written by', manifest.tool],
  ];
  const graphs = Object.entries(manifest.graphs).map(([name, graph]) => graphText(name, graph));
  return [`${directory}:`, formatTable(['', ''], rows), filesTable(manifest), ...graphs].join('\n');
}

function filesTable({ graphs }: Manifest): string {
  const entries = Object.values(graphs).flatMap((graph): FileEntry[] => [graph, ...graph.data]);
  const rows = [...new Map(entries.map(entry => [entry.file, entry])).values()].map(({ file, size, sha256 }) => {
    return [file, size.toLocaleString('en'), sha256 ?? 'not recorded'];
  });
  return formatTable(['file', 'bytes', 'SHA-256'], rows);
}

function profileText({ device, hardware, threads, runtime, recomputeUpTo, steps }: ProfileEntry): string {
  const where = `${device}, ${hardware}, ${threads} threads, ${runtime}`;
  return `${PROFILE_FILE}: writes ${describeLimit(recomputeUpTo)} on ${where} (${describeSteps(steps)})`;
}

function graphText(name: string, { file, dtype, inputs, outputs, data }: GraphEntry): string {
  const rows = [...inputs.map(port => ['in', ...portCells(port)]), ...outputs.map(port => ['out', ...portCells(port)])];
  return `${name}: ${file} (${dtype}; weights: ${data.map(entry => entry.file).join(', ')})\n${formatTable(['', 'port', 'type', 'shape'], rows)}`;
}

function portCells({ name, dtype, shape }: Port): string[] {
  return [name, dtype, `[${shape.join(', ')}]`];
}

function pairs(value: object): string {
  return Object.entries(value)
    .map(([key, entry]) => `${key} ${typeof entry === 'string' ? entry : JSON.stringify(entry)}`)
    .join(', ');
}
