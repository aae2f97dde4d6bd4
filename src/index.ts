/**
 * What every platform offers: models, decoding, tokenizers and evaluation. `node.ts` and `web.ts` add how models are
 * loaded.
 */
export * from './core/errors.ts';
export type {
  Application,
  AttentionRules,
  Dimensions,
  GraphEntry,
  GraphName,
  Manifest,
  Port,
  TokenizerEntry,
} from './core/manifest.ts';
export type { ProgressEvent, ProgressListener } from './core/progress.ts';
export type { ProfileEntry, ProfileStore, StepTiming } from './core/strategy-profile.ts';
export { boolTensor, float32Tensor, int64Tensor, type Tensor } from './core/tensor.ts';
export {
  AutoRegressiveDecoder,
  type DecodeOptions,
  type DecoderInput,
  type DecoderOptions,
  type DecodeSampleOptions,
  type Prediction,
} from './decode/auto-regressive-decoder.ts';
export { type BeamSearchOptions, type BeamSearchResult, beamSearch } from './decode/beam-search.ts';
export { constrain } from './decode/constrain.ts';
export { type Generated, type GenerateRequest, generate, type Strategy } from './decode/generate.ts';
export type { LogitsProcessor, ProcessorContext } from './decode/logits-processor.ts';
export { poolAnswers, type ScoredAnswer } from './decode/pool.ts';
export { createProcessors, type ProcessorOptions } from './decode/processors/index.ts';
export { type RandomSampleOptions, randomSample, type Sample } from './decode/random-sample.ts';
export { type Hypothesis, type StepScorer, type TopRow, tokenIdsOf } from './decode/scorer.ts';
export { type RandomSource, seededRandom } from './decode/seeded-random.ts';
export { decodeSpan, type Span } from './decode/span.ts';
export { type VoteScorer, type VoteTrace, vote } from './decode/vote.ts';
export {
  createGenerator,
  type Generator,
  type GeneratorOptions,
} from './generation/generator.ts';
export {
  type MeasureOptions,
  measureStrategy,
  type StrategyMeasurement,
} from './generation/measure-strategy.ts';
export { type OpenedGenerator, type OpenGeneratorOptions, openGenerator } from './generation/open-generator.ts';
export type { RunCounts } from './generation/run-counts.ts';
export type { CacheOption, StrategyChoice, StrategyOptions } from './generation/strategy.ts';
export { type Model, type ModelOptions, tokenizerOf } from './model.ts';
export type { Device, DeviceChoice, GraphSession, Hardware, SessionOptions } from './session/session.ts';
export type {
  Answer,
  AnswerOptions,
  AnswerSettings,
  AnswerSpan,
  MlmAnswer,
  ReadingComprehension,
  Seq2SeqAnswer,
} from './tasks/answer.ts';
export { type Chat, type ChatOptions, type ChatReply, type ChatSettings, createChat } from './tasks/chat.ts';
export {
  type Cloze,
  type ClozeAnswer,
  type ClozeCandidate,
  type ClozeItem,
  type ClozeOptions,
  createCloze,
} from './tasks/cloze.ts';
export {
  type Completer,
  type Completion,
  type CompletionOptions,
  type CompletionSettings,
  createCompleter,
} from './tasks/completion.ts';
export {
  createEmbedder,
  type Embedder,
  type Embeddings,
  type EmbedOptions,
  type EmbedSettings,
  type Pooling,
} from './tasks/embed.ts';
export {
  type AnswerMetric,
  type AnswerScore,
  averageScores,
  type Evaluation,
  scoreAnswer,
} from './tasks/evaluation/answer-metrics.ts';
export {
  createFillMask,
  type FillCandidate,
  type Filled,
  type FillMask,
  type FillOptions,
  type FillSettings,
} from './tasks/fill-mask.ts';
export { createMlmReader } from './tasks/mlm-reader.ts';
export { createReader } from './tasks/reader.ts';
export { createSeq2SeqReader } from './tasks/seq2seq-reader.ts';
export { type PaddingOptions, sequencePadding, truncateSequences } from './tokenizers/text/sequences.ts';
export type { EncodeOptions, Encoding, Tokenizer } from './tokenizers/tokenizer.ts';
export { loadVocab, saveVocab, simplifyVocab, type TokenDict, type Vocabulary } from './tokenizers/vocabulary.ts';
export {
  createWordPieceTokenizer,
  type WordPieceOptions,
  type WordPieceTokenizer,
} from './tokenizers/wordpiece/wordpiece-tokenizer.ts';
