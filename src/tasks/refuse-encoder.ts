/**
 * Tasks that read and write in one sequence have no use for a model whose source has an encoder of its own.
 */
import { ConfigError } from '../core/errors.ts';
import type { AttentionRules } from '../core/manifest.ts';

/** @throws ConfigError for a model with an encoder and a decoder. */
export function refuseEncoder({ crossAttention }: Pick<AttentionRules, 'crossAttention'>): void {
  if (crossAttention !== true) return;
  const next = 'Use a completer.';
  throw new ConfigError({ what: 'model', expected: 'a language model', found: 'an encoder and a decoder', next });
}
