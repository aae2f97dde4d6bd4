/**
 * `bert4ort/convert`: checkpoints to model directories. Runs in Node and in browsers and never loads ONNX Runtime; where
 * bytes come from and go to is the caller's choice (`bert4ort` has files and folders, `bert4ort/web` has Blobs).
 */

export type { JsonObject } from '../onnx-graphs/architecture.ts';
export { architectures } from '../onnx-graphs/architectures/index.ts';
export type { ByteSink, ByteSource, ByteSourceSet, ByteWriter } from '../src/core/byte-source.ts';
export { bytesPerElement, elementCount } from '../src/core/dtype.ts';
export {
  AbortedError,
  Bert4ortError,
  ConfigError,
  FormatError,
  IoError,
  WeightsError,
} from '../src/core/errors.ts';
export type { Manifest } from '../src/core/manifest.ts';
export type { ProgressEvent, ProgressListener } from '../src/core/progress.ts';
export type { Checkpoint, CheckpointLayer, CheckpointTensor, OpenOptions } from './checkpoint.ts';
export { type Configuration, readConfiguration, withTensors } from './configuration.ts';
export { type Conversion, type ConvertControls, type ConvertOptions, convert } from './convert.ts';
export { openCheckpoint } from './formats.ts';
export { type ArchitectureFit, guessArchitecture } from './guess-architecture.ts';
export type { Scheme } from './naming/naming.ts';
export { type ModelPlan, outputNames, type PlanOptions, planModel } from './plan-model.ts';
export { findPreset, listPresets, type PresetOptions, withPreset } from './presets.ts';
export type { Preset } from './presets-table.ts';
export type { SentencePieceSource, TokenizerSource, WordPieceSource } from './tokenizer-files.ts';
