/**
 * The table of architectures: bert4keras' `model=` name → architecture. Adding one is one file and one line here.
 */
import type { AnyArchitecture } from '../architecture.ts';
import { albert, albertUnshared } from './albert.ts';
import { bert } from './bert.ts';
import { clozeBilstm } from './cloze-bilstm.ts';
import { electra } from './electra.ts';
import { gpt } from './gpt.ts';
import { gpt2 } from './gpt2.ts';
import { gpt2Ml } from './gpt2-ml.ts';
import { nezha } from './nezha.ts';
import { roformer } from './roformer.ts';
import { roformerV2 } from './roformer-v2.ts';

/** Every architecture by the name that `build_transformer_model(model=…)` knows it by; some have two. */
export const architectures: Readonly<Record<string, AnyArchitecture>> = {
  bert,
  roberta: bert,
  albert,
  albert_unshared: albertUnshared,
  electra,
  nezha,
  roformer,
  roformer_v2: roformerV2,
  gpt,
  gpt2,
  gpt2_ml: gpt2Ml,
  'cloze-bilstm': clozeBilstm,
};
