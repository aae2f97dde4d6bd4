/**
 * `config.json` and `generation_config.json` as Hugging Face's libraries expect them, as far as they can express a model:
 * sizes under transformers' names, and what transformers.js needs to find the weight files.
 */
import type { JsonObject, ModelFacts } from '../onnx-graphs/architecture.ts';
import type { Json } from '../src/core/manifest.ts';
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

/** The content of `config.json`; `graphs` are files that have `weightFiles` weight files each. */
export function huggingFaceConfig(
  facts: ModelFacts,
  config: JsonObject,
  { graphs, weightFiles }: { readonly graphs: readonly string[]; readonly weightFiles: number },
): JsonObject {
  const { dimensions } = facts;
  const external = Object.fromEntries(graphs.map(file => [file, weightFiles]));
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
    ...facts.huggingFace,
    'transformers.js_config': { use_external_data_format: external },
  };
}

/** Settings of tasks that transformers has the same words for → its words. */
const GENERATION: Readonly<Record<string, string>> = {
  startId: 'decoder_start_token_id',
  endId: 'eos_token_id',
  maxLen: 'max_new_tokens',
  beams: 'num_beams',
  topK: 'top_k',
  topP: 'top_p',
  temperature: 'temperature',
};

/**
 * The content of `generation_config.json`, or undefined when nothing given can be expressed in it. `startToken` and
 * `endToken` are said by their ids, where `tokenDict` knows them.
 */
export function huggingFaceGeneration(settings: JsonObject, tokenDict?: TokenDict): JsonObject | undefined {
  const { endToken, startToken, topK, ...others } = settings;
  const idOf = (token: Json | undefined): number | undefined =>
    typeof token === 'string' ? tokenDict?.get(token) : undefined;
  const [startId, endId] = [idOf(startToken), idOf(endToken)];
  // bert4keras calls the number of beams topk too.
  const beams = others['strategy'] === 'bert4keras-beam';
  const said: JsonObject = {
    ...others,
    ...(topK === undefined ? {} : { [beams ? 'beams' : 'topK']: topK }),
    ...(startId === undefined ? {} : { startId }),
    ...(endId === undefined ? {} : { endId }),
  };
  const entries = Object.entries(said).flatMap(([key, value]) => {
    const name = GENERATION[key];
    return name === undefined || value === null ? [] : [[name, value] as const];
  });
  return entries.length === 0 ? undefined : { pad_token_id: 0, ...Object.fromEntries(entries) };
}
