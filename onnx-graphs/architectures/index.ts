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
import { mt5, mt5Decoder, mt5Encoder, t5, t5Decoder, t5Encoder, t5v11, t5v11Decoder, t5v11Encoder } from './t5.ts';

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
  t5,
  t5_encoder: t5Encoder,
  t5_decoder: t5Decoder,
  't5.1.0': t5,
  't5.1.0_encoder': t5Encoder,
  't5.1.0_decoder': t5Decoder,
  't5.1.1': t5v11,
  't5.1.1_encoder': t5v11Encoder,
  't5.1.1_decoder': t5v11Decoder,
  'mt5.1.1': mt5,
  'mt5.1.1_encoder': mt5Encoder,
  'mt5.1.1_decoder': mt5Decoder,
  'cloze-bilstm': clozeBilstm,
};
