/**
 * Which devices a platform has and which one a request gets. One line per device; `auto` takes the first that is offered
 * for it, and a device asked for by name is used or refused, never replaced by another.
 */
import { ConfigError } from '../core/errors.ts';
import type { Device, DeviceChoice, SessionOptions } from './session.ts';

/** One device of a platform. */
export interface DeviceSpec {
  readonly device: DeviceChoice['device'];
  /** Why `auto` takes this device; absent where it has to be asked for by name. */
  readonly automatic?: string;
  /** ONNX Runtime's `executionProviders` for it; no second entry, so that creation fails where the device is missing. */
  readonly executionProviders: (options: SessionOptions) => readonly (string | ExecutionProvider)[];
  /** What a user can do when a session on it can't be created. */
  readonly whenRefused: string;
}

/** An entry of `executionProviders` with options. */
export interface ExecutionProvider {
  readonly name: string;
  readonly deviceId?: number;
}

/**
 * Devices of onnxruntime-node. `auto` stays on the CPU: the CUDA binding moves every tensor across PCIe in each run, and
 * the WebGPU one depends on a driver that only running it can judge, so both are for those who ask.
 */
export const nodeDevices: readonly DeviceSpec[] = [
  {
    device: 'cpu',
    automatic: 'auto means the CPU in Node; GPUs are used when asked for by name',
    executionProviders: () => ['cpu'],
    whenRefused: 'Check that the model directory is complete.',
  },
  {
    device: 'cuda',
    executionProviders: options => [withDeviceId('cuda', options)],
    whenRefused:
      'Every library is there, so the driver is too old for them or there is no such GPU: see `bert4ort doctor --device cuda`.',
  },
  {
    device: 'webgpu',
    executionProviders: options => [withDeviceId('webgpu', options)],
    whenRefused: 'No driver satisfied it: see `bert4ort doctor --device webgpu` for those that were found.',
  },
];

/** Devices of onnxruntime-web. What `auto` means there is found out by running both, in web-session.ts. */
export const webDevices: readonly DeviceSpec[] = [
  {
    device: 'wasm',
    executionProviders: () => ['wasm'],
    whenRefused: 'Check that `wasmPaths` leads to the files of the same version of onnxruntime-web.',
  },
  {
    device: 'webgpu',
    executionProviders: () => ['webgpu'],
    whenRefused: "WebGPU needs a browser and a GPU driver that have it; device: 'wasm' always works.",
  },
];

/**
 * The device for a request.
 * @throws ConfigError when the platform has no such device, naming those it has.
 */
export function chooseDevice(requested: Device, devices: readonly DeviceSpec[]): DeviceSpec & DeviceChoice {
  if (requested === 'auto') {
    for (const spec of devices) {
      if (spec.automatic !== undefined) return { ...spec, reason: spec.automatic };
    }
  }
  const named = devices.find(spec => spec.device === requested);
  if (named !== undefined) return { ...named, reason: 'asked for by name' };
  throw new ConfigError({
    what: 'device',
    expected: `one of auto, ${devices.map(spec => spec.device).join(', ')} on this platform`,
    found: requested,
  });
}

function withDeviceId(name: string, options: SessionOptions): ExecutionProvider {
  return options.deviceId === undefined ? { name } : { name, deviceId: options.deviceId };
}
