/**
 * Flags that say where a model runs, for every command that runs one.
 */
import type { SessionOptions } from '../session/session.ts';
import type { Flags, Parsed } from './command.ts';

const GROUP = 'Where it runs:';

/** The flags. */
export const deviceFlags = {
  device: {
    type: 'string',
    choices: ['auto', 'cpu', 'cuda', 'webgpu'],
    default: 'auto',
    group: GROUP,
    describe: 'device',
  },
  'device-id': { type: 'number', group: GROUP, describe: 'GPU number' },
  threads: { type: 'number', group: GROUP, describe: 'CPU threads inside one run' },
} as const satisfies Flags;

/** The flags as session options. */
export function sessionOptions({ device, deviceId, threads }: Parsed<typeof deviceFlags>): SessionOptions {
  return {
    device,
    ...(deviceId === undefined ? {} : { deviceId }),
    ...(threads === undefined ? {} : { threads }),
  };
}
