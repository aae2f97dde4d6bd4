/**
 * Which part of a device computes which operator. ONNX Runtime hands operators that a GPU lacks to the CPU without a word;
 * its profile of one run names the provider of each.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import { FormatError, messageOf, SessionError } from '../../core/errors.ts';
import type { Port } from '../../core/manifest.ts';
import { chooseDevice } from '../node-devices.ts';
import type { DeviceChoice, Ports, SessionOptions } from '../session.ts';
import { probeFeeds, SIDE_LENGTH } from '../web-probe.ts';
import { requireDevice } from './device.ts';

/** A node of a graph as it runs, after ONNX Runtime's optimizations. */
export interface PlacedNode {
  /** Its path in the graph: `/read/Attention-Mask/slots/Shape`. */
  readonly name: string;
  readonly operator: string;
  /** ONNX Runtime's name: `CPUExecutionProvider`, `CUDAExecutionProvider`, `WebGpuExecutionProvider`. */
  readonly provider: string;
  /** What comes out: the network's numbers, or only integers and truth values, which are shapes, positions and masks. */
  readonly output: 'numbers' | 'shapes and masks';
}

/** The operators that one provider computes. */
export interface Placement {
  readonly provider: string;
  readonly nodes: number;
  /** Operator → how many nodes. */
  readonly operators: Readonly<Record<string, number>>;
}

/** What ONNX Runtime calls the part of a device that computes. */
const PROVIDERS: Readonly<Partial<Record<DeviceChoice['device'], string>>> = {
  cpu: 'CPUExecutionProvider',
  cuda: 'CUDAExecutionProvider',
  webgpu: 'WebGpuExecutionProvider',
};

/**
 * Sizes of free dimensions in the run: short enough for any model; the sides of a cloze model as long as the words that
 * the probe feeds it. Letters not named here are 1.
 */
const SIZES: Readonly<Record<string, number>> = { T: 4, R: 4, P: 2, L: SIDE_LENGTH, M: SIDE_LENGTH };

/**
 * Runs the graph in the file `graph` once on short inputs and says where its nodes ran, in the order in which they did.
 * @throws SessionError when the device can't be used or the run fails.
 */
export async function placeNodes(graph: string, ports: Ports, options: SessionOptions): Promise<PlacedNode[]> {
  const choice = chooseDevice(options.device ?? 'auto');
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
    return readNodes(file, readFileSync(path.join(folder, file), 'utf8'));
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
 * The nodes of a profile: events of category `Node` whose name ends in `_kernel_time`, each node once.
 * @throws FormatError when it is no profile.
 */
export function readNodes(file: string, profile: string): PlacedNode[] {
  const events: unknown = JSON.parse(profile);
  if (!Array.isArray(events)) {
    throw new FormatError({ file, what: 'profile of ONNX Runtime', expected: 'a JSON list', found: typeof events });
  }
  const nodes = new Map<string, PlacedNode>();
  for (const { cat, name, args } of events as readonly ProfileEvent[]) {
    if (cat !== 'Node' || !name.endsWith(KERNEL) || nodes.has(name)) continue;
    const { provider = 'unknown', op_name: operator = 'unknown', output_type_shape: outputs = [] } = args ?? {};
    const types = outputs.flatMap(output => Object.keys(output));
    const output = types.some(type => /float|double/.test(type)) ? 'numbers' : 'shapes and masks';
    nodes.set(name, { name: name.slice(0, -KERNEL.length), operator, provider, output });
  }
  return [...nodes.values()];
}

/** Counts nodes by provider, most nodes first. */
export function countByProvider(nodes: readonly PlacedNode[]): Placement[] {
  const counts = new Map<string, Record<string, number>>();
  for (const { provider, operator } of nodes) {
    const operators = counts.get(provider) ?? {};
    operators[operator] = (operators[operator] ?? 0) + 1;
    counts.set(provider, operators);
  }
  return [...counts]
    .map(([provider, operators]) => ({ provider, nodes: sum(Object.values(operators)), operators }))
    .sort((a, b) => b.nodes - a.nodes);
}

/** The nodes that run elsewhere than on the device asked for; `auto` asks for the CPU. */
export function strayNodes(nodes: readonly PlacedNode[], { device = 'auto' }: SessionOptions): PlacedNode[] {
  const wanted = PROVIDERS[chooseDevice(device).device];
  return nodes.filter(({ provider }) => provider !== wanted);
}

/** End of the names of the events that say where a node ran. */
const KERNEL = '_kernel_time';

interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  readonly args?: {
    readonly provider?: string;
    readonly op_name?: string;
    /** One `{ type: shape }` for each output. */
    readonly output_type_shape?: readonly Readonly<Record<string, readonly number[]>>[];
  };
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
