/**
 * What the tasks that write ask of a model.
 */
import { ConfigError } from '../core/errors.ts';
import type { AttentionRules } from '../core/manifest.ts';

/** Refuses a model that sees in both directions. @throws ConfigError. */
export function requireLanguageModel({ visibility }: AttentionRules): void {
  if (visibility === 'padding')
    refuse('an encoder', 'Convert it with --application lm or unilm, if it was trained as one.');
}

/** Refuses a model whose source has an encoder of its own, for tasks that read and write in one sequence. @throws ConfigError. */
export function refuseEncoder({ crossAttention }: Pick<AttentionRules, 'crossAttention'>): void {
  if (crossAttention === true) refuse('an encoder and a decoder', 'Use a completer.');
}

function refuse(found: string, next: string): never {
  throw new ConfigError({ what: 'model', expected: 'a language model', found, next });
}
