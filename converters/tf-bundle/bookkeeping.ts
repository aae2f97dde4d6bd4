/**
 * Which tensors of a bundle belong to its training and to no model: optimizers' slots and counters, and tf.keras' own notes.
 */
import { OBJECT_GRAPH } from './object-graph.ts';

/** Slot names that TensorFlow's optimizers and those of published BERT, ALBERT and T5 training codes append. */
const SLOT =
  /(\/(adam_[mv]|lamb_[mv]|Adam(_1)?|AdamWeightDecayOptimizer(_1)?|LAMB(_1)?|Momentum|RMSProp(_1)?|Adagrad|Adadelta(_1)?|Ftrl(_1)?|adafactor_(m|v|vr|vc))|_slot_(m|v|vr|vc))$/;

/** Names, whole or after the last slash, that optimizers and savers give to their counters. */
const COUNTER = /^(.*\/)?(global_step|beta[12]_power(_\d+)?)$/;

const KERAS_COUNTER = /^(optimizer|save_counter)(\/|$)/;

/**
 * Why the tensor `name` is no model's, or undefined when it may be. A slot counts as one only beside its own variable, so
 * that a model with a layer called "Adam" keeps its weights.
 */
export function bookkeepingReason(name: string, has: (name: string) => boolean): string | undefined {
  if (name === OBJECT_GRAPH) return 'description of the saved objects by tf.keras';
  if (name.includes('/.OPTIMIZER_SLOT/')) return 'optimizer slot';
  if (KERAS_COUNTER.test(name)) return 'optimizer state of tf.keras';
  if (COUNTER.test(name)) return 'training counter';
  const slot = SLOT.exec(name);
  return slot !== null && has(name.slice(0, slot.index)) ? 'optimizer slot' : undefined;
}
