/**
 * `config.json` and `generation_config.json` as Hugging Face's libraries expect them, as far as they can express a model:
 * sizes under transformers' names, and what transformers.js needs to find the weight files.
 */
import type { JsonObject, ModelFacts } from '../onnx-graphs/architecture.ts';
import type { TokenDict } from '../src/tokenizers/vocabulary.ts';

/** Keys that mean the same in `bert_config.json` and in transformers' configurations; copied when present. */
const COPIED = [
  'intermediate_size',
  'hidden_act',
  'hidden_dropout_prob',
  'attention_probs_dropout_prob',
  'initializer_range',
  'embedding_size',
  'id2label',
  'label2id',
];

/** The content of `config.json`; `weightFiles` is the number of weight files. */
export function huggingFaceConfig(facts: ModelFacts, config: JsonObject, weightFiles: number): JsonObject {
  const { dimensions } = facts;
  return {
    model_type: facts.modelType,
    vocab_size: dimensions.vocabSize,
    hidden_size: dimensions.hidden,
    num_hidden_layers: dimensions.layers,
    num_attention_heads: dimensions.heads,
    ...Object.fromEntries(COPIED.flatMap(key => (key in config ? [[key, config[key] ?? null]] : []))),
    ...(dimensions.maxPositions === null ? {} : { max_position_embeddings: dimensions.maxPositions }),
    type_vocab_size: dimensions.segmentVocabSize,
    pad_token_id: 0,
    is_decoder: facts.attention.visibility === 'causal',
    'transformers.js_config': { use_external_data_format: { 'model.onnx': weightFiles } },
  };
}

/** Settings of tasks that transformers has the same words for → its words. */
const GENERATION: Readonly<Record<string, string>> = {
  startId: 'bos_token_id',
  endId: 'eos_token_id',
  maxLen: 'max_new_tokens',
  topK: 'top_k',
  topP: 'top_p',
  temperature: 'temperature',
};

/**
 * The content of `generation_config.json`, or undefined when nothing given can be expressed in it. `endToken` is said by
 * its id, where `tokenDict` knows it.
 */
export function huggingFaceGeneration(settings: JsonObject, tokenDict?: TokenDict): JsonObject | undefined {
  const { endToken, ...others } = settings;
  const endId = typeof endToken === 'string' ? tokenDict?.get(endToken) : undefined;
  const entries = Object.entries({ ...others, ...(endId === undefined ? {} : { endId }) }).flatMap(([key, value]) => {
    const name = GENERATION[key];
    return name === undefined || value === null ? [] : [[name, value] as const];
  });
  return entries.length === 0 ? undefined : { pad_token_id: 0, ...Object.fromEntries(entries) };
}
