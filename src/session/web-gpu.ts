/**
 * The browser's GPU: one device for all sessions of a thread, and what happens when it is lost.
 *
 * The device is made here rather than by ONNX Runtime, without the feature `subgroups`: with it the fused attention of the
 * execution provider has been seen to give wrong values on some drivers, without it never.
 */
import { messageOf, SessionError } from '../core/errors.ts';

/** A device that sessions can run on. */
export interface Gpu {
  readonly device: GPUDevice;
  /** True for a GPU imitated on the CPU. */
  readonly software: boolean;
  /** `work`, or a SessionError once the device is lost. */
  untilLost<T>(work: Promise<T>): Promise<T>;
}

let current: Promise<Gpu> | undefined;

/**
 * The device; a fresh one after a loss.
 * @throws SessionError when the browser has no WebGPU, no adapter, or gives no device.
 */
export function requestGpu(): Promise<Gpu> {
  if (current !== undefined) return current;
  const requested = request();
  current = requested;
  const again = (): void => {
    if (current === requested) current = undefined;
  };
  requested.then(gpu => gpu.device.lost.then(again), again);
  return requested;
}

async function request(): Promise<Gpu> {
  if (navigator.gpu === undefined) throw noGpu('this browser, or this insecure page, has none');
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) throw noGpu('no adapter');
  const features: GPUFeatureName[] = adapter.features.has('shader-f16') ? ['shader-f16'] : [];
  const device = await adapter
    .requestDevice({ requiredFeatures: features, requiredLimits: limitsOf(adapter) })
    .catch((cause: unknown) => {
      throw noGpu(messageOf(cause), { cause });
    });
  return { device, software: adapter.info.isFallbackAdapter, untilLost: watchLoss(device) };
}

/**
 * Ends what waits when the device is lost. A race with its `lost` would do the same, but keep every result for as long as
 * the device lives.
 */
function watchLoss(device: GPUDevice): Gpu['untilLost'] {
  const waiting = new Set<(error: SessionError) => void>();
  let error: SessionError | undefined;
  device.lost.then(({ reason, message }) => {
    const next = 'Open the graph again; it gets a fresh device.';
    error = new SessionError({ what: 'WebGPU device', found: `lost (${reason}): ${message}`, next });
    for (const reject of waiting) reject(error);
    waiting.clear();
  });
  return work =>
    new Promise((resolve, reject) => {
      if (error !== undefined) reject(error);
      else waiting.add(reject);
      const done = (): boolean => waiting.delete(reject);
      work.then(resolve, reject).then(done);
    });
}

/** All that the adapter has: weights of one layer can exceed the default limits. */
function limitsOf(adapter: GPUAdapter): Record<string, number> {
  const limits: Record<string, number> = {};
  for (const name in adapter.limits) {
    const value: unknown = Reflect.get(adapter.limits, name);
    if (typeof value === 'number') limits[name] = value;
  }
  return limits;
}

function noGpu(found: string, options?: ErrorOptions): SessionError {
  const next = "Use device: 'wasm', or 'auto', which finds out.";
  return new SessionError({ what: 'WebGPU', found, next }, options);
}
