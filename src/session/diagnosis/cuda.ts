/**
 * Whether sessions on CUDA can be created, found out by looking at files: ONNX Runtime's own message says only that a
 * library failed to load.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type CudaBuild, cudaBuildOf, cudaBuilds, cudaLibraryFix } from './cuda-table.ts';
import { type LibraryTrace, type LoaderPaths, locateLibrary, traceLibraries } from './loader.ts';
import type { OrtPackage } from './ort.ts';
import type { DeviceDiagnosis, Problem } from './report.ts';

const PROVIDERS = ['libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so'] as const;

/** Kernel interfaces of NVIDIA's driver. */
const DRIVER = '/proc/driver/nvidia';

/** Looks for everything that a session on CUDA needs. */
export function diagnoseCuda(ort: OrtPackage, loader: LoaderPaths): DeviceDiagnosis {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    const why = `onnxruntime-node has CUDA on linux/x64 only; this is ${process.platform}/${process.arch}`;
    return { device: 'cuda', problems: [{ file: 'CUDA', why, fix: "Use device 'cpu' or 'webgpu'." }], facts: [] };
  }
  const trace = traceProvider(ort, loader);
  const libraries = trace === undefined ? expectedProblems(loader) : tracedProblems(trace);
  const facts = trace === undefined ? [] : providerFacts(trace, loader);
  return { device: 'cuda', problems: [...providerProblems(ort), ...libraries], facts: [...facts, ...driverFacts()] };
}

/** The GPUs that the driver lists, in its order; empty where it doesn't say. */
export function listNvidiaGpus(): string[] {
  const folder = path.join(DRIVER, 'gpus');
  if (!existsSync(folder)) return [];
  return readdirSync(folder).map(gpu => {
    const text = readFileSync(path.join(folder, gpu, 'information'), 'utf8');
    return /^Model:\s*(.+)$/m.exec(text)?.[1] ?? gpu;
  });
}

function providerProblems({ folder, version }: OrtPackage): Problem[] {
  const missing = PROVIDERS.filter(file => !existsSync(path.join(folder, file)));
  return missing.map(file => ({
    file: `${file} ${version}`,
    why: `not in ${folder}`,
    fix:
      `Reinstall with npm install onnxruntime-node@${version} --onnxruntime-node-install=cuda12, or copy the file there ` +
      `from onnxruntime/capi of PyPI's onnxruntime-gpu ${version}.`,
  }));
}

/** The provider's own list, followed through every library it leads to. */
interface ProviderTrace extends LibraryTrace {
  readonly build: CudaBuild;
}

function traceProvider({ folder }: OrtPackage, loader: LoaderPaths): ProviderTrace | undefined {
  const provider = path.join(folder, PROVIDERS[1]);
  if (!existsSync(provider)) return undefined;
  const trace = traceLibraries(provider, loader);
  return { ...trace, build: cudaBuildOf([...trace.found.keys(), ...trace.missing.map(one => one.name)]) };
}

function tracedProblems({ missing, build }: ProviderTrace): Problem[] {
  return missing.map(({ name, neededBy, why }) => ({
    file: name,
    why: `${why}; needed by ${neededBy}`,
    fix: cudaLibraryFix(name, build),
  }));
}

/** Without the provider, what the known builds of it ask for. */
function expectedProblems(loader: LoaderPaths): Problem[] {
  const build = nearestBuild(loader);
  const missing = build.needed.filter(name => locateLibrary(name, [], loader) === undefined);
  return missing.map(name => ({
    file: name,
    why: `not found; needed by a provider built for CUDA ${build.cuda}`,
    fix: cudaLibraryFix(name, build),
  }));
}

/** The build of which the most is already installed. */
function nearestBuild(loader: LoaderPaths): CudaBuild {
  const present = cudaBuilds.flatMap(build => build.needed.filter(name => locateLibrary(name, [], loader)));
  return cudaBuildOf(present);
}

function providerFacts({ found, build }: ProviderTrace, loader: LoaderPaths): string[] {
  const absent = build.openedLater.filter(name => !found.has(name) && locateLibrary(name, [], loader) === undefined);
  return [
    `provider built for CUDA ${build.cuda}`,
    ...absent.map(name => `${name} not found; only some operators ask for it. ${cudaLibraryFix(name, build)}`),
  ];
}

function driverFacts(): string[] {
  const file = path.join(DRIVER, 'version');
  if (!existsSync(file)) return ['no NVIDIA driver is loaded (/proc/driver/nvidia is not there)'];
  const version = /Kernel Module.*?(\d+\.\d+(?:\.\d+)?)/.exec(readFileSync(file, 'utf8'))?.[1] ?? 'of unknown version';
  return [`NVIDIA driver ${version}`, ...listNvidiaGpus().map((gpu, i) => `GPU ${i}: ${gpu}`)];
}
