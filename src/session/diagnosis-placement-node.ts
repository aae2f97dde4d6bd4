/**
 * Which part of a device computes which operator. ONNX Runtime hands operators that a GPU lacks to the CPU without a word;
 * its profile of one run names the provider of each.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import { FormatError, messageOf, SessionError } from '../core/errors.ts';
import type { Port } from '../core/manifest.ts';
import { chooseDevice, nodeDevices } from './devices.ts';
import { requireDevice } from './diagnosis-node.ts';
import type { Ports, SessionOptions } from './session.ts';
import { probeFeeds } from './web-probe.ts';

/** The operators that one provider computes. */
export interface Placement {
  /** ONNX Runtime's name: `CPUExecutionProvider`, `CUDAExecutionProvider`, `WebGpuExecutionProvider`. */
  readonly provider: string;
  readonly nodes: number;
  /** Operator → how many nodes. */
  readonly operators: Readonly<Record<string, number>>;
}

/** Sizes of free dimensions in the run: short enough for any model. Letters not named here are 1. */
const SIZES: Readonly<Record<string, number>> = { T: 4, R: 4, P: 2 };

/**
 * Runs the graph in the file `graph` once on short inputs and counts nodes by provider, most nodes first. Nodes are those
 * left after ONNX Runtime's optimizations.
 * @throws SessionError when the device can't be used or the run fails.
 */
export async function countPlacements(graph: string, ports: Ports, options: SessionOptions): Promise<Placement[]> {
  const choice = chooseDevice(options.device ?? 'auto', nodeDevices);
  requireDevice(choice.device, options);
  const folder = mkdtempSync(path.join(tmpdir(), 'bert4ort-profile-'));
  try {
    await profileRun(graph, shortPorts(ports), {
      executionProviders: choice.executionProviders(options) as InferenceSession.ExecutionProviderConfig[],
      enableProfiling: true,
      profileFilePrefix: path.join(folder, 'run'),
      logSeverityLevel: 3,
    });
    const file = readdirSync(folder)[0] ?? 'no profile';
    return countNodes(file, readFileSync(path.join(folder, file), 'utf8'));
  } catch (cause) {
    if (cause instanceof SessionError) throw cause;
    throw new SessionError({ file: graph, what: `profile on ${choice.device}`, found: messageOf(cause) }, { cause });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function profileRun(graph: string, ports: Ports, settings: InferenceSession.SessionOptions): Promise<void> {
  const { InferenceSession, Tensor } = await import('onnxruntime-node');
  const session = await InferenceSession.create(graph, settings);
  try {
    const feeds = Object.entries(probeFeeds(ports)).map(
      ([name, { dtype, data, shape }]) => [name, new Tensor(dtype, data, shape)] as const,
    );
    await session.run(
      Object.fromEntries(feeds),
      ports.outputs.map(port => port.name),
    );
    session.endProfiling();
  } finally {
    await session.release();
  }
}

/**
 * Counts the nodes of a profile: events of category `Node` whose name ends in `_kernel_time`, each node once.
 * @throws FormatError when it is no profile.
 */
export function countNodes(file: string, profile: string): Placement[] {
  const events: unknown = JSON.parse(profile);
  if (!Array.isArray(events)) {
    throw new FormatError({ file, what: 'profile of ONNX Runtime', expected: 'a JSON list', found: typeof events });
  }
  const seen = new Set<string>();
  const counts = new Map<string, Record<string, number>>();
  for (const { cat, name, args } of events as readonly ProfileEvent[]) {
    if (cat !== 'Node' || !name.endsWith('_kernel_time') || seen.has(name)) continue;
    seen.add(name);
    const { provider = 'unknown', op_name: operator = 'unknown' } = args ?? {};
    const operators = counts.get(provider) ?? {};
    operators[operator] = (operators[operator] ?? 0) + 1;
    counts.set(provider, operators);
  }
  return [...counts]
    .map(([provider, operators]) => ({ provider, nodes: sum(Object.values(operators)), operators }))
    .sort((a, b) => b.nodes - a.nodes);
}

interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  readonly args?: { readonly provider?: string; readonly op_name?: string };
}

function shortPorts({ inputs, outputs }: Ports): Ports {
  const short = (port: Port): Port => ({ ...port, shape: port.shape.map(shortSize) });
  return { inputs: inputs.map(short), outputs };
}

/** A number as it is, a letter as above, `P+R` as their sum. */
function shortSize(dimension: number | string): number {
  if (typeof dimension === 'number') return dimension;
  return sum(dimension.split('+').map(letter => SIZES[letter.trim()] ?? 1));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
