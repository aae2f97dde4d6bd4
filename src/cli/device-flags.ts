/**
 * Flags that say where a model runs, for every command that runs one.
 */
import type { NodeModelOptions } from '../node.ts';
import type { SessionOptions } from '../session/session.ts';
import type { Flags, Parsed } from './command.ts';

/** The heading of these flags in `--help`. */
export const RUN_GROUP = 'Where it runs:';

/** The flags. */
export const deviceFlags = {
  device: {
    type: 'string',
    choices: ['auto', 'cpu', 'cuda', 'webgpu'],
    default: 'auto',
    group: RUN_GROUP,
    describe: 'device',
  },
  'device-id': { type: 'number', group: RUN_GROUP, describe: 'GPU number' },
  threads: { type: 'number', group: RUN_GROUP, describe: 'CPU threads inside one run (physical cores, at most 16)' },
} as const satisfies Flags;

/** The flags as session options. */
export function sessionOptions({ device, deviceId, threads }: Parsed<typeof deviceFlags>): SessionOptions {
  return {
    device,
    ...(deviceId === undefined ? {} : { deviceId }),
    ...(threads === undefined ? {} : { threads }),
  };
}

/** The same for commands whose requests can be spread over threads. */
export const runFlags = {
  ...deviceFlags,
  workers: {
    type: 'number',
    group: RUN_GROUP,
    describe: 'threads that run the model, each with weights of its own (0: the main one)',
  },
  'share-weights': {
    type: 'boolean',
    default: false,
    group: RUN_GROUP,
    describe: 'one copy of the weights for all workers and processes: less memory, slower steps',
  },
  spin: {
    type: 'boolean',
    default: false,
    group: RUN_GROUP,
    describe: 'threads wait a moment before they sleep within a run: faster steps on cores that nothing else uses',
  },
} as const satisfies Flags;

/** The flags as options of `loadModel`. */
export function loadOptions(options: Parsed<typeof runFlags>): Pick<NodeModelOptions, 'session' | 'workers'> {
  const session = { ...sessionOptions(options), shareWeights: options.shareWeights, spin: options.spin };
  return options.workers === undefined ? { session } : { session, workers: options.workers };
}
