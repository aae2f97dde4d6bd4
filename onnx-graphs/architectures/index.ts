/**
 * The table of architectures: bert4keras' `model=` name → architecture. Adding one is one file and one line here.
 */
import type { AnyArchitecture } from '../architecture.ts';
import { bert } from './bert.ts';

/** Every architecture by the name that `build_transformer_model(model=…)` knows it by; some have two. */
export const architectures: Readonly<Record<string, AnyArchitecture>> = {
  bert,
  roberta: bert,
};
