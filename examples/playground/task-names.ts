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
  /** Names of the model's graphs. */
  readonly graphs: readonly string[];
  /** Tasks that have settings. */
  readonly settings: readonly string[];
}

/** The tasks that suit a model, the likeliest first; none for an encoder without a head. */
export function taskNames({ attention, outputs, graphs, settings }: TaskFacts): readonly TaskName[] {
  const { visibility, crossAttention } = attention;
  if (outputs.includes('probabilities')) return ['cloze'];
  if (!graphs.includes('read') && !graphs.includes('step')) return [];
  if (crossAttention === true) return ['complete'];
  if (visibility === 'padding') return ['answer', 'fill'];
  if (visibility === 'prefix') return settings.includes('completion') ? ['complete', 'answer'] : ['answer', 'complete'];
  return settings.includes('chat') ? ['chat', 'complete'] : ['complete', 'chat'];
}
