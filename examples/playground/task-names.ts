/**
 * Which tasks of the page suit a model, told from properties that are known before it is converted.
 */
import type { AttentionRules } from '../../src/web.ts';

/** Tasks of the page. */
export type TaskName = 'answer' | 'chat' | 'complete' | 'fill' | 'cloze';

/** What decides. */
export interface TaskFacts {
  readonly attention: AttentionRules;
  /** Outputs of the graph. */
  readonly outputs: readonly string[];
  /** Whether there is a graph that reads masks, or one that writes. */
  readonly readsOrWrites: boolean;
  /** Tasks that have settings. */
  readonly settings: readonly string[];
}

/** The tasks that suit a model, the likeliest first; none for an encoder without a head. */
export function taskNames({ attention, outputs, readsOrWrites, settings }: TaskFacts): readonly TaskName[] {
  const { visibility, crossAttention } = attention;
  if (outputs.includes('probabilities')) return ['cloze'];
  if (!readsOrWrites) return [];
  if (crossAttention === true) return ['complete'];
  if (visibility === 'padding') return ['answer', 'fill'];
  if (visibility === 'prefix') return settings.includes('completion') ? ['complete', 'answer'] : ['answer', 'complete'];
  return settings.includes('chat') ? ['chat', 'complete'] : ['complete', 'chat'];
}
