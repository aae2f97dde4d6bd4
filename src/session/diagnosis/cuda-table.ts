/**
 * What ONNX Runtime's CUDA provider needs and where to get it. The names come from `readelf -d` of
 * `libonnxruntime_providers_cuda.so` in PyPI's `onnxruntime-gpu` wheels for linux x86-64: 1.30.0 (and 1.29.0) for CUDA 13,
 * 1.26.0 for CUDA 12; what is opened later from the strings in 1.30.0. They serve where that file is missing; where it is there, its own list counts.
 */

/** Libraries that one build of the provider is linked against. */
export interface CudaBuild {
  readonly cuda: 12 | 13;
  /** Oldest driver on Linux, from NVIDIA's CUDA release notes. */
  readonly driver: string;
  readonly needed: readonly string[];
  /** Opened when an operator asks for them (convolutions, fused attention, compiled kernels), not when loading. */
  readonly openedLater: readonly string[];
}

/** The builds, newest first. */
export const cudaBuilds: readonly CudaBuild[] = [
  {
    cuda: 13,
    driver: '580',
    needed: ['libcuda.so.1', 'libcudart.so.13', 'libcublas.so.13', 'libcublasLt.so.13', 'libcurand.so.10'],
    openedLater: ['libcudnn.so.9', 'libnvrtc.so.13'],
  },
  {
    cuda: 12,
    driver: '525.60.13',
    needed: [
      'libcuda.so.1',
      'libcudart.so.12',
      'libcublas.so.12',
      'libcublasLt.so.12',
      'libcurand.so.10',
      'libcufft.so.11',
      'libcudnn.so.9',
    ],
    openedLater: ['libnvrtc.so.12'],
  },
];

/** Where a library comes from. */
interface LibrarySource {
  /** PyPI wheel; its libraries lie in `site-packages/nvidia/…/lib`. */
  readonly wheel: string;
  /** Package of NVIDIA's apt repository. */
  readonly apt: string;
}

const SOURCES: Readonly<Record<string, LibrarySource>> = {
  'libcudart.so.13': { wheel: 'nvidia-cuda-runtime==13.*', apt: 'cuda-cudart-13-0' },
  'libcublas.so.13': { wheel: 'nvidia-cublas==13.*', apt: 'libcublas-13-0' },
  'libcublasLt.so.13': { wheel: 'nvidia-cublas==13.*', apt: 'libcublas-13-0' },
  'libnvrtc.so.13': { wheel: 'nvidia-cuda-nvrtc==13.*', apt: 'cuda-nvrtc-13-0' },
  'libcudart.so.12': { wheel: 'nvidia-cuda-runtime-cu12', apt: 'cuda-cudart-12-9' },
  'libcublas.so.12': { wheel: 'nvidia-cublas-cu12', apt: 'libcublas-12-9' },
  'libcublasLt.so.12': { wheel: 'nvidia-cublas-cu12', apt: 'libcublas-12-9' },
  'libcufft.so.11': { wheel: 'nvidia-cufft-cu12', apt: 'libcufft-12-9' },
  'libnvrtc.so.12': { wheel: 'nvidia-cuda-nvrtc-cu12', apt: 'cuda-nvrtc-12-9' },
};

/** Libraries whose name is the same for both, with a package for each. */
const SHARED: Readonly<Record<string, Readonly<Record<12 | 13, LibrarySource>>>> = {
  'libcurand.so.10': {
    12: { wheel: 'nvidia-curand-cu12', apt: 'libcurand-12-9' },
    13: { wheel: 'nvidia-curand==10.4.*', apt: 'libcurand-13-0' },
  },
  'libcudnn.so.9': {
    12: { wheel: 'nvidia-cudnn-cu12==9.*', apt: 'libcudnn9-cuda-12' },
    13: { wheel: 'nvidia-cudnn-cu13==9.*', apt: 'libcudnn9-cuda-13' },
  },
};

/** How to get the library `name` for a build. */
export function cudaLibraryFix(name: string, build: CudaBuild): string {
  if (name === 'libcuda.so.1') {
    return `Install NVIDIA's driver, ${build.driver} or newer; in a container, start it with --gpus all.`;
  }
  const source = SOURCES[name] ?? SHARED[name]?.[build.cuda];
  if (source === undefined) return "Install it with the system's package manager.";
  return `apt install ${source.apt}, or pip install "${source.wheel}" and name its lib folder in LD_LIBRARY_PATH.`;
}

/** The build that a list of needed libraries belongs to: the one that shares the most names. */
export function cudaBuildOf(needed: Iterable<string>): CudaBuild {
  const names = new Set(needed);
  const shared = (build: CudaBuild) => build.needed.filter(name => names.has(name)).length;
  return cudaBuilds.reduce((best, build) => (shared(build) > shared(best) ? build : best));
}
