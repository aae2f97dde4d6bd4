/**
 * Whether WebGPU has a Vulkan driver to run on, found out by looking at files. ONNX Runtime's WebGPU (Dawn) uses Vulkan
 * on Linux, Direct3D 12 on Windows and Metal on macOS; only the first needs anything installed.
 *
 * Drivers are found as the Vulkan loader does:
 * https://github.com/KhronosGroup/Vulkan-Loader/blob/v1.3.290/docs/LoaderDriverInterface.md#driver-discovery-on-linux
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { messageOf } from '../../core/errors.ts';
import { type LoaderPaths, locateLibrary } from './loader.ts';
import type { OrtPackage } from './ort.ts';
import type { DeviceDiagnosis, Problem } from './report.ts';

const LOADER = 'libvulkan.so.1';

/** Drivers that compute on the CPU: right answers at best, never fast ones. */
const SOFTWARE = /swiftshader|lvp|lavapipe/i;

/** A driver's manifest. */
export interface VulkanDriver {
  readonly manifest: string;
  /** The driver's library, where it can be loaded from. */
  readonly library?: string;
  /** Why the driver can't be used. */
  readonly problem?: string;
}

/** Looks for the Vulkan loader and for drivers. */
export function diagnoseWebGpu(ort: OrtPackage, loader: LoaderPaths): DeviceDiagnosis {
  if (process.platform !== 'linux') {
    return { device: 'webgpu', problems: [], facts: [`drivers of ${process.platform} are not checked`] };
  }
  const drivers = findVulkanDrivers(process.env, loader);
  return {
    device: 'webgpu',
    problems: [...loaderProblems(ort, loader), ...driverProblems(drivers)],
    facts: drivers.map(describeDriver),
  };
}

/** Every driver that the Vulkan loader would try, in its order. */
export function findVulkanDrivers(environment: NodeJS.ProcessEnv, loader: LoaderPaths): VulkanDriver[] {
  return manifestFiles(environment).map(manifest => readManifest(manifest, loader));
}

function loaderProblems({ folder }: OrtPackage, loader: LoaderPaths): Problem[] {
  if (locateLibrary(LOADER, [folder], loader) !== undefined) return [];
  return [{ file: LOADER, why: 'not found', fix: 'apt install libvulkan1 (Fedora: vulkan-loader).' }];
}

function driverProblems(drivers: readonly VulkanDriver[]): Problem[] {
  if (drivers.some(driver => driver.library !== undefined)) return [];
  const fix =
    "Install the GPU's driver (NVIDIA's own, or mesa-vulkan-drivers for AMD and Intel), or name a manifest in VK_DRIVER_FILES.";
  if (drivers.length === 0) return [{ file: 'Vulkan driver manifest (icd.d/*.json)', why: 'not found', fix }];
  return drivers.map(({ manifest, problem = 'unusable' }) => ({ file: manifest, why: problem, fix }));
}

function describeDriver({ manifest, library, problem }: VulkanDriver): string {
  if (library === undefined) return `driver ${manifest}: ${problem}`;
  const note = SOFTWARE.test(manifest) ? ' (computes on the CPU)' : '';
  return `driver ${manifest}: ${library}${note}`;
}

/** VK_DRIVER_FILES, or its older name, replaces the folders; VK_ADD_DRIVER_FILES goes before them. */
function manifestFiles(environment: NodeJS.ProcessEnv): string[] {
  const listed = (name: string) => listManifests((environment[name] ?? '').split(':').filter(Boolean));
  const only = environment['VK_DRIVER_FILES'] ?? environment['VK_ICD_FILENAMES'];
  if (only !== undefined) return listManifests(only.split(':').filter(Boolean));
  return [...listed('VK_ADD_DRIVER_FILES'), ...listManifests(manifestFolders(environment))];
}

function manifestFolders(environment: NodeJS.ProcessEnv): string[] {
  const home = homedir();
  const split = (name: string, otherwise: string) => (environment[name] || otherwise).split(':').filter(Boolean);
  const roots = [
    ...split('XDG_CONFIG_HOME', path.join(home, '.config')),
    ...split('XDG_CONFIG_DIRS', '/etc/xdg'),
    '/etc',
    ...split('XDG_DATA_HOME', path.join(home, '.local/share')),
    ...split('XDG_DATA_DIRS', '/usr/local/share:/usr/share'),
  ];
  return roots.map(root => path.join(root, 'vulkan/icd.d')).filter(existsSync);
}

/** Files as they are; of a folder, the manifests in it. */
function listManifests(places: readonly string[]): string[] {
  return places.flatMap(place => {
    if (place.endsWith('.json') || !existsSync(place)) return [place];
    const files = readdirSync(place).filter(file => file.endsWith('.json'));
    return files.sort().map(file => path.join(place, file));
  });
}

function readManifest(manifest: string, loader: LoaderPaths): VulkanDriver {
  if (!existsSync(manifest)) return { manifest, problem: 'not found' };
  const library = libraryIn(manifest);
  if (library instanceof Error) return { manifest, problem: `no Vulkan driver manifest: ${messageOf(library)}` };
  // With a slash it is relative to the manifest; without one the dynamic loader looks for it.
  const name = library.includes('/') ? path.resolve(path.dirname(manifest), library) : library;
  const found = locateLibrary(name, [], loader);
  return found === undefined ? { manifest, problem: `${name} not found` } : { manifest, library: found };
}

function libraryIn(manifest: string): string | Error {
  try {
    const library: unknown = JSON.parse(readFileSync(manifest, 'utf8'))?.ICD?.library_path;
    return typeof library === 'string' ? library : new Error('it has no ICD.library_path');
  } catch (error) {
    return error instanceof Error ? error : new Error(messageOf(error));
  }
}
