/**
 * What every platform offers: models, tasks, decoding and tokenizers. `node.ts` and `web.ts` add how models are loaded.
 */
export * from './core/errors.ts';
export type { Manifest, TokenizerEntry } from './core/manifest.ts';
export type { ProgressEvent, ProgressListener } from './core/progress.ts';
export { type Model, type ModelOptions, tokenizerOf } from './model.ts';
export type { Device, DeviceChoice, SessionOptions } from './session/session.ts';
export type { EncodeOptions, Encoding, Tokenizer } from './tokenizers/tokenizer.ts';
