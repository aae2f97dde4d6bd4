/**
 * Devices of onnxruntime-node, one line per device. `auto` stays on the CPU: the CUDA binding moves every tensor across PCIe
 * in each run, and the WebGPU one depends on a driver that only running it can judge, so both are for those who ask.
 */
import { deviceNamed } from './devices.ts';
import type { Device, DeviceChoice, SessionOptions } from './session.ts';

/** How to get a device from ONNX Runtime. */
export interface NodeDevice {
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

/** The devices there are. */
export const nodeDevices = {
  cpu: {
    executionProviders: () => ['cpu'],
    whenRefused: 'Check that the model directory is complete.',
  },
  cuda: {
    executionProviders: options => [withDeviceId('cuda', options)],
    whenRefused:
      'Every library is there, so the driver is too old for them or there is no such GPU: see `bert4ort doctor --device cuda`.',
  },
  webgpu: {
    executionProviders: options => [withDeviceId('webgpu', options)],
    whenRefused: 'No driver satisfied it: see `bert4ort doctor --device webgpu` for those that were found.',
  },
} as const satisfies Readonly<Record<string, NodeDevice>>;

/**
 * The device for a request, and why it is that one.
 * @throws ConfigError when Node has no such device, naming those it has.
 */
export function chooseDevice(requested: Device): NodeDevice & DeviceChoice {
  if (requested === 'auto') {
    return {
      ...nodeDevices.cpu,
      device: 'cpu',
      reason: 'auto means the CPU in Node; GPUs are used when asked for by name',
    };
  }
  const named = deviceNamed(requested, nodeDevices);
  return { ...nodeDevices[named.device], ...named };
}

function withDeviceId(name: string, options: SessionOptions): ExecutionProvider {
  return options.deviceId === undefined ? { name } : { name, deviceId: options.deviceId };
}
