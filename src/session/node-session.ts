/**
 * ONNX Runtime in Node. The package is optional and loaded when the first session is opened, so that programs which only
 * convert never need it.
 *
 * A run is a synchronous native call: it keeps this thread's event loop busy from start to end. `worker-node.ts` offers
 * the same sessions in other threads.
 */
import type { InferenceSession } from 'onnxruntime-node';
import { messageOf, SessionError } from '../core/errors.ts';
import { requireDevice } from './diagnosis/device.ts';
import { checkCount, defaultThreads, hardwareName } from './hardware-node.ts';
import { chooseDevice } from './node-devices.ts';
import { ERRORS_ONLY, wrapOrtSession } from './ort-session.ts';
import type { GraphFiles, GraphSession, Ports, SessionOptions, SessionProvider } from './session.ts';

/** Opens sessions in this thread. */
export const nodeProvider: SessionProvider = { open: openNodeSession };

async function openNodeSession(files: GraphFiles, ports: Ports, options: SessionOptions): Promise<GraphSession> {
  const { device, reason, ...chosen } = chooseDevice(options.device ?? 'auto');
  const ort = await loadOrt();
  requireDevice(device, options);
  const threads = checkCount('threads', options.threads ?? defaultThreads(), 1);
  const settings: InferenceSession.SessionOptions = {
    executionProviders: chosen.executionProviders(options) as InferenceSession.ExecutionProviderConfig[],
    graphOptimizationLevel: 'all',
    logSeverityLevel: ERRORS_ONLY,
    intraOpNumThreads: threads,
    extra: { session: { ...spinning(options), disable_prepacking: flag(options.shareWeights) } },
  };
  const session = await create(ort, files, settings).catch((cause: unknown) => {
    const details = { what: `session on ${device}`, found: messageOf(cause).trim(), next: chosen.whenRefused };
    throw new SessionError('path' in files ? { ...details, file: files.path } : details, { cause });
  });
  const name = hardwareName(device, options.deviceId);
  const hardware = name === null ? {} : { hardware: { name, threads, runtime: describeRuntime(ort, options) } };
  return wrapOrtSession({ ort, session }, ports, { device, reason, ...hardware });
}

/** Microseconds that a thread spins, longer than most operators of a step leave it waiting; 200 were no faster. */
const SPIN_MICROSECONDS = 20;

/**
 * A thread pool that spins between runs takes the cores from every other session and from JavaScript: measured 47 against
 * 17 ms a run with four sessions. So it never does, and within a run only if asked to.
 */
function spinning({ spin }: SessionOptions): Readonly<Record<string, unknown>> {
  const threads = { allow_spinning: flag(spin), spin_duration_us: String(SPIN_MICROSECONDS) };
  return { intra_op: threads, force_spinning_stop: '1' };
}

function flag(value: boolean | undefined): '0' | '1' {
  return value === true ? '1' : '0';
}

/** ONNX Runtime, its version, and the settings that change how fast it is. */
function describeRuntime(ort: NodeOrt, { shareWeights, spin }: SessionOptions): string {
  const version = `onnxruntime-node ${ort.env.versions.node}`;
  return `${version}${shareWeights === true ? ', weights shared' : ''}${spin === true ? ', spinning' : ''}`;
}

function create(ort: NodeOrt, files: GraphFiles, settings: InferenceSession.SessionOptions): Promise<InferenceSession> {
  if ('path' in files) return ort.InferenceSession.create(files.path, settings);
  const externalData = files.data.map(({ path, bytes }) => ({ path, data: bytes }));
  return ort.InferenceSession.create(files.graph, { ...settings, externalData });
}

/** The whole module. */
type NodeOrt = typeof import('onnxruntime-node');

let loaded: Promise<NodeOrt> | undefined;

/** The module, loaded once; a failure is tried again by the next session. */
function loadOrt(): Promise<NodeOrt> {
  loaded ??= import('onnxruntime-node').catch((cause: unknown) => {
    loaded = undefined;
    throw new SessionError(
      {
        what: 'onnxruntime-node',
        found: messageOf(cause),
        next: 'Install it beside bert4ort: npm install onnxruntime-node --onnxruntime-node-install=skip',
      },
      { cause },
    );
  });
  return loaded;
}
