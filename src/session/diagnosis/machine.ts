/**
 * The machine as ONNX Runtime will find it: processor, memory, C library.
 */
import { existsSync, readFileSync } from 'node:fs';
import { cpus, freemem, totalmem } from 'node:os';
import { defaultThreads } from '../hardware-node.ts';

/** Instruction sets that ONNX Runtime's CPU kernels choose between, under their names in /proc/cpuinfo. */
const FEATURES = ['avx2', 'fma', 'avx512f', 'avx512_vnni', 'avx_vnni', 'avx512_bf16', 'avx512_fp16', 'amx_int8'];

/** What was found. */
export interface Machine {
  /** `linux/x64`. */
  readonly platform: string;
  readonly node: string;
  /** Version of glibc, or null where the C library is another one. */
  readonly glibc: string | null;
  readonly processor: string;
  /** Of those that matter for speed, the ones this processor has; null where the system doesn't list them. */
  readonly features: readonly string[] | null;
  /** Logical cores of the machine. */
  readonly cores: number;
  /** Threads that a session uses unless told otherwise. */
  readonly threads: number;
  /** Bytes. */
  readonly memory: { readonly total: number; readonly free: number; readonly limit: number | null };
}

/** Describes this machine. */
export function describeMachine(): Machine {
  const [first] = cpus();
  return {
    platform: `${process.platform}/${process.arch}`,
    node: process.versions.node,
    glibc: glibcVersion(),
    processor: first?.model.trim() ?? 'unknown',
    features: processorFeatures(),
    cores: cpus().length,
    threads: defaultThreads(),
    memory: { total: totalmem(), free: freemem(), limit: memoryLimit() },
  };
}

function glibcVersion(): string | null {
  const report: unknown = process.report?.getReport();
  const header: unknown = typeof report === 'object' && report !== null && 'header' in report ? report.header : null;
  const known = typeof header === 'object' && header !== null && 'glibcVersionRuntime' in header;
  return known ? String(header.glibcVersionRuntime) : null;
}

function processorFeatures(): readonly string[] | null {
  const file = '/proc/cpuinfo';
  if (!existsSync(file)) return null;
  const flags = /^flags\s*:(.*)$/m.exec(readFileSync(file, 'utf8'))?.[1];
  if (flags === undefined) return null;
  const present = new Set(flags.trim().split(/\s+/));
  return FEATURES.filter(feature => present.has(feature));
}

/** What a container allows, or null where nothing limits the process below the machine's memory. */
function memoryLimit(): number | null {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : null;
}
