/**
 * The flag that says whether writing uses a cache, for commands that write step by step, and the notice of what was chosen.
 */
import type { CacheOption, StrategyChoice, StrategyOptions } from '../generation/strategy.ts';
import type { Flags } from './command.ts';
import { RUN_GROUP } from './device-flags.ts';
import { printNotice } from './terminal.ts';

const CHOICES = ['on', 'off', 'auto'] as const satisfies readonly CacheOption[];

/** The flag. */
export const cacheFlag = {
  cache: {
    type: 'string',
    choices: CHOICES,
    group: RUN_GROUP,
    describe: 'keep what was computed while writing; auto measures it once and notes it beside the model (auto)',
  },
} as const satisfies Flags;

/** The flag as an option of tasks: `auto` unless given. */
export function cacheOption({ cache = 'auto' }: { readonly cache?: CacheOption | undefined }): StrategyOptions {
  return { cache };
}

/** Says on standard error what was measured just now; later runs find it in the profile, where `inspect` shows it. */
export function noticeStrategy({ strategy }: { readonly strategy?: StrategyChoice }, json: boolean): void {
  if (strategy?.source !== 'measured') return;
  const { recomputeUpTo, source, reason } = strategy;
  const parts = { strategy: { recompute_up_to: recomputeUpTo, source, reason } };
  printNotice(json ? JSON.stringify(parts) : `measured once: ${reason}`);
}
