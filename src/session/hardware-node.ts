/**
 * What sessions in Node run on, as far as it decides how fast they are: the names of processor and GPU, and how many threads
 * suit them.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import path from 'node:path';
import { ConfigError } from '../core/errors.ts';
import type { DeviceChoice } from './session.ts';

/** One file a GPU, with its model, written by NVIDIA's driver for Linux. */
const NVIDIA_GPUS = '/proc/driver/nvidia/gpus';

/** One folder a logical core; `topology/thread_siblings_list` names those that are one physical core. */
const LINUX_CORES = '/sys/devices/system/cpu';

/** More threads than this do little for matrices of such models, and each run has to wake and join them all. */
const MOST_THREADS = 16;

/**
 * Threads of a session unless told otherwise: the physical cores that this process may use, at most 16. Two threads on one
 * core share its multipliers.
 */
export function defaultThreads(): number {
  return Math.max(1, Math.min(availableParallelism(), physicalCores() ?? Number.POSITIVE_INFINITY, MOST_THREADS));
}

/** Most threads, or workers, that can be asked for: more is a slip, and would take the memory. */
const LIMIT = 1024;

/** @throws ConfigError when `count` is no whole number from `least` to 1024. */
export function checkCount(option: 'threads' | 'workers', count: number, least: number): number {
  if (Number.isInteger(count) && count >= least && count <= LIMIT) return count;
  throw new ConfigError({ what: option, expected: `a whole number from ${least} to ${LIMIT}`, found: String(count) });
}

/** Physical cores of the machine, or null where the system does not list them: then every logical one counts. */
export function physicalCores(folder: string = LINUX_CORES): number | null {
  if (!existsSync(folder)) return null;
  const siblings = readdirSync(folder)
    .filter(name => /^cpu\d+$/.test(name))
    .map(name => path.join(folder, name, 'topology', 'thread_siblings_list'))
    .filter(file => existsSync(file))
    .map(file => readFileSync(file, 'utf8').trim());
  return siblings.length === 0 ? null : new Set(siblings).size;
}

/** The name of what a device runs on, or null where the system does not say. */
export function hardwareName(device: DeviceChoice['device'], deviceId = 0): string | null {
  if (device === 'cpu') return cpus()[0]?.model.trim() ?? null;
  const names = gpuNames();
  // Which adapter WebGPU takes is the driver's choice; with one GPU it is that.
  if (device === 'webgpu' && names.length > 1) return null;
  return names[deviceId] ?? null;
}

function gpuNames(): readonly string[] {
  if (!existsSync(NVIDIA_GPUS)) return [];
  return readdirSync(NVIDIA_GPUS)
    .sort()
    .map(name => path.join(NVIDIA_GPUS, name, 'information'))
    .filter(file => existsSync(file))
    .flatMap(file => /^Model:\s*(.+)$/m.exec(readFileSync(file, 'utf8'))?.[1]?.trim() ?? []);
}
