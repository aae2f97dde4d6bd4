/**
 * ONNX Runtime in browsers, in the thread that calls: `worker-web.ts` offers the same in a worker.
 *
 * A device asked for by name is used or refused. `auto` runs the graph on WebGPU and on WebAssembly and takes WebGPU only
 * where it gives the same numbers in less time; what it found is told in the session's `device.reason`.
 */
import type { InferenceSession } from 'onnxruntime-web';
import { ConfigError, messageOf, SessionError } from '../core/errors.ts';
import type { Dimensions } from '../core/manifest.ts';
import { deviceNamed } from './devices.ts';
import { GpuMemory } from './gpu-memory.ts';
import { ERRORS_ONLY, type OrtRuns, wrapOrtSession } from './ort-session.ts';
import type { GraphFiles, GraphSession, Ports, SessionOptions, SessionProvider } from './session.ts';
import { requestGpu } from './web-gpu.ts';
import { chooseThreads, loadWebOrt, type WebBuild, type WebRuntime } from './web-ort.ts';
import { compareSessions, type ProbeResult } from './web-probe.ts';

/** What a user can do when a session can't be created on a device. */
const whenRefused = {
  wasm: 'Check that `wasmPaths` leads to the files of the same version of onnxruntime-web.',
  webgpu: "WebGPU needs a browser and a GPU driver that have it; device: 'wasm' always works.",
} as const;

/**
 * Sessions of onnxruntime-web. What `auto` found for the first graph holds for the others of the same provider.
 * @param compare how `auto` compares WebGPU, first, with WebAssembly; another can stand in for it in tests.
 */
export function webProvider(runtime: WebRuntime = {}, compare = compareSessions): SessionProvider {
  let decided: Promise<Decision> | undefined;
  return {
    async open(files, ports, options) {
      refuseForeign(files, options);
      const place = { runtime, threads: options.threads };
      const device = options.device ?? 'auto';
      if (device !== 'auto') return openOn(deviceNamed(device, whenRefused), files, ports, place);
      const first = decided === undefined;
      decided ??= decide(files, ports, place, compare).catch((error: unknown) => {
        decided = undefined;
        throw error;
      });
      const { session, ...choice } = await decided;
      return first && session !== undefined ? session : openOn(choice, files, ports, place);
    },
  };
}

interface Choice {
  readonly device: WebBuild;
  readonly reason: string;
}

/** What `auto` decided, with the session that is open already when it was WebGPU. */
interface Decision extends Choice {
  readonly session?: GraphSession;
}

interface Place {
  readonly runtime: WebRuntime;
  readonly threads: number | undefined;
  /** Build to use when it is not the device's own. */
  readonly build?: WebBuild;
}

async function decide(
  files: GraphFiles,
  ports: Ports,
  place: Place,
  compare: typeof compareSessions,
): Promise<Decision> {
  let wrap: (choice: Choice) => GraphSession;
  try {
    const { software } = await requestGpu();
    if (software) return { device: 'wasm', reason: 'the only WebGPU adapter is imitated on the CPU' };
    wrap = await createOn('webgpu', files, ports, place);
  } catch (error) {
    const found = error instanceof SessionError ? error.details.found : messageOf(error);
    return { device: 'wasm', reason: `WebGPU can't be used: ${found}` };
  }
  const candidate = wrap({ device: 'webgpu', reason: 'on trial' });
  const reference = await openOn({ device: 'wasm', reason: 'reference' }, files, ports, { ...place, build: 'webgpu' });
  try {
    const choice = await judge(() => compare(candidate, reference));
    if (choice.device === 'webgpu') return { ...choice, session: wrap(choice) };
    await candidate.dispose();
    return choice;
  } finally {
    await reference.dispose();
  }
}

async function judge(compare: () => Promise<ProbeResult>): Promise<Choice> {
  try {
    const { agrees, difference, candidateMs, referenceMs } = await compare();
    const times = `${candidateMs.toFixed(1)} ms a run against ${referenceMs.toFixed(1)} ms on WebAssembly`;
    if (!agrees)
      return { device: 'wasm', reason: `WebGPU gives other numbers here (by ${difference.toExponential(1)})` };
    if (candidateMs >= referenceMs) return { device: 'wasm', reason: `WebGPU is no faster: ${times}` };
    return { device: 'webgpu', reason: `same numbers to ${difference.toExponential(1)}, ${times}` };
  } catch (error) {
    return { device: 'wasm', reason: `WebGPU failed in a trial: ${messageOf(error)}` };
  }
}

async function openOn(choice: Choice, files: GraphFiles, ports: Ports, place: Place): Promise<GraphSession> {
  return (await createOn(choice.device, files, ports, place))(choice);
}

/** A graph that is loaded, to be wrapped in a session once it is known how it was chosen. */
async function createOn(
  device: WebBuild,
  files: GraphFiles,
  ports: Ports,
  place: Place,
): Promise<(choice: Choice) => GraphSession> {
  const gpu = device === 'webgpu' ? await requestGpu() : undefined;
  const { ort, threads } = await loadWebOrt(place.build ?? device, place.runtime, chooseThreads(place.threads));
  const { graph, data } = bytesOf(files);
  // New keys and values stay where the cache is.
  const kept = gpu === undefined ? [] : ports.outputs.filter(({ name }) => name.startsWith('new_'));
  const settings: InferenceSession.SessionOptions = {
    executionProviders: gpu === undefined ? ['wasm'] : [{ name: 'webgpu', device: gpu.device }],
    logSeverityLevel: ERRORS_ONLY,
    externalData: data.map(({ path, bytes }) => ({ path, data: bytes })),
    preferredOutputLocation: Object.fromEntries(kept.map(({ name }) => [name, 'gpu-buffer'])),
  };
  const session = await ort.InferenceSession.create(graph, settings).catch((cause: unknown) => {
    const details = { what: `session on ${device}`, found: messageOf(cause).trim(), next: whenRefused[device] };
    throw new SessionError(details, { cause });
  });
  const openMemory = gpu && ((runs: OrtRuns, dimensions: Dimensions) => new GpuMemory(runs, gpu.device, dimensions));
  const terms = gpu && { untilLost: gpu.untilLost, openMemory: kept.length > 0 ? openMemory : undefined };
  const suffix = gpu === undefined ? `; ${threads.reason}` : '';
  return ({ reason }) => wrapOrtSession({ ort, session, gpu: terms }, ports, { device, reason: `${reason}${suffix}` });
}

function refuseForeign(files: GraphFiles, { deviceId }: SessionOptions): void {
  if (deviceId !== undefined) {
    throw new ConfigError({ what: 'option deviceId', expected: 'none in a browser', found: `${deviceId}` });
  }
  bytesOf(files);
}

function bytesOf(files: GraphFiles): Exclude<GraphFiles, { readonly path: string }> {
  if (!('path' in files)) return files;
  throw new SessionError({ what: 'graph', expected: 'its bytes', found: files.path });
}
