/**
 * Looks at a device before a session is created on it, so that what is missing is named instead of guessed at.
 */
import { SessionError } from '../../core/errors.ts';
import type { DeviceChoice, SessionOptions } from '../session.ts';
import { diagnoseCuda, listNvidiaGpus } from './cuda.ts';
import { type LoaderPaths, systemLoaderPaths } from './loader.ts';
import { findOrtPackage, type OrtPackage } from './ort.ts';
import type { DeviceDiagnosis, Problem } from './report.ts';
import { diagnoseWebGpu } from './vulkan.ts';

type NamedDevice = DeviceChoice['device'];

/** Devices that need something beside onnxruntime-node. */
const DIAGNOSES: Readonly<Partial<Record<NamedDevice, (ort: OrtPackage, loader: LoaderPaths) => DeviceDiagnosis>>> = {
  cuda: diagnoseCuda,
  webgpu: diagnoseWebGpu,
};

/** What keeps sessions on `device` from being created, as far as files tell. */
export function diagnoseDevice(device: NamedDevice): DeviceDiagnosis {
  const ort = findOrtPackage();
  if (ort === undefined) return { device, problems: [PACKAGE_MISSING], facts: [] };
  const diagnose = DIAGNOSES[device];
  return diagnose === undefined ? { device, problems: [], facts: [] } : diagnose(ort, systemLoaderPaths());
}

/**
 * Lets pass what a session could be created on.
 * @throws SessionError that names each missing file with the way to get it, or a GPU number that the driver doesn't have.
 */
export function requireDevice(device: NamedDevice, { deviceId }: SessionOptions): void {
  if (DIAGNOSES[device] === undefined) return;
  const { problems } = diagnoseDevice(device);
  if (problems.length > 0) {
    throw new SessionError({
      what: `device ${device}`,
      expected: 'every library that it needs',
      found: problems.map(({ file, why }) => `${file} ${why}`).join('; '),
      next: [...new Set(problems.map(problem => problem.fix))].join(' '),
    });
  }
  if (device === 'cuda') requireGpu(deviceId);
}

const PACKAGE_MISSING: Problem = {
  file: 'onnxruntime-node',
  why: 'not installed',
  fix: 'npm install onnxruntime-node --onnxruntime-node-install=skip',
};

/** CUDA_VISIBLE_DEVICES renumbers the GPUs, so with it the driver's list says nothing. */
function requireGpu(deviceId: number | undefined): void {
  const gpus = listNvidiaGpus();
  if (deviceId === undefined || gpus.length === 0 || process.env['CUDA_VISIBLE_DEVICES'] !== undefined) return;
  if (deviceId < gpus.length) return;
  const expected = `one of ${gpus.map((gpu, i) => `${i} (${gpu})`).join(', ')}`;
  throw new SessionError({ what: 'GPU number', expected, found: `${deviceId}` });
}
