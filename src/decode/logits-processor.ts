/**
 * What a logits processor is: a function that changes a row of scores in place before a search reads it. The built-in
 * ones are in `processors/`; anything with this signature will do.
 */
import { exponential } from './exponential.ts';
import type { Hypothesis, ScoreArray, StepScorer } from './scorer.ts';

/** What a processor may look at besides the row. */
export interface ProcessorContext {
  /** Index of the decoding step; 0 for the first generated token. */
  readonly step: number;
  /** The token that ends a sequence. */
  readonly endId: number;
  /** Ids of the prompt, for rules that count it in; empty when the caller gave none. */
  readonly promptTokenIds: readonly number[];
}

/**
 * Changes `scores`, one row of V values in the domain of logarithms (logits, or log probabilities), in place. `-Infinity`
 * rules a token out. It is called once per row and step and must not keep the row.
 */
export type LogitsProcessor = (scores: ScoreArray, hypothesis: Hypothesis, context: ProcessorContext) => void;

/**
 * Runs `processors` in order over a row of `kind`. Probabilities go through their logarithm and come back without being
 * normalised again; those that no processor changed keep their exact value.
 */
export function processRow(row: ScoreArray, kind: StepScorer['kind'], process: (scores: ScoreArray) => void): void {
  if (kind === 'logits') {
    process(row);
    return;
  }
  const before = row.map(Math.log);
  const after = before.slice();
  process(after);
  for (let i = 0; i < row.length; i++) {
    const log = after[i] as number;
    if (log !== before[i]) row[i] = log > 0 ? Math.exp(log) : exponential(log);
  }
}
