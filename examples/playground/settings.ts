/**
 * What a user may choose about a conversion, and the options of `convert` that it becomes.
 */
import { type ConvertOptions, findPreset, type JsonObject, type Manifest, withPreset } from '../../converters/index.ts';
import { blobSet } from '../../src/web.ts';
import type { ModelFiles, NamedBlob } from './models.ts';

/** bert4keras' `application`. */
export const APPLICATIONS = ['encoder', 'lm', 'unilm'] as const;

/** Choices of the page. */
export interface Settings {
  /** Name of the checkpoint among the files. */
  readonly checkpoint: string;
  /** Name of a preset, or '' for model and application chosen by hand. */
  readonly preset: string;
  /** bert4keras' `model=` and heads; used without a preset. */
  readonly keywords: JsonObject & { readonly model: string };
  readonly application: (typeof APPLICATIONS)[number];
  /** The token that ends a text, as the vocabulary has it; '' for the model's own. */
  readonly endToken: string;
  /** Most tokens of a text that is written; 0 for the task's own. */
  readonly maxLen: number;
}

/** Options of `convert`, or of a plan, for files and choices. @throws ConfigError where they do not go together. */
export async function convertOptions(files: ModelFiles & { readonly config: NamedBlob }, settings: Settings) {
  const source = {
    checkpoint: { files: blobSet(files.checkpoint), name: settings.checkpoint },
    config: await bytesOf(files.config.blob),
  };
  const vocab = files.vocab && (await bytesOf(files.vocab.blob));
  if (settings.preset !== '') {
    const tasks = writingTasks(findPreset(settings.preset).tasks, settings);
    return withPreset(settings.preset, { ...source, tasks, ...(vocab && { vocab }) });
  }
  return { ...source, ...byHand(settings, vocab, files.vocab?.name) } satisfies ConvertOptions;
}

function byHand(settings: Settings, vocab: Uint8Array | undefined, name: string | undefined) {
  const { keywords, application } = settings;
  const { model, segment_vocab_size } = keywords;
  const segments = segment_vocab_size === undefined ? {} : { segment_vocab_size };
  return {
    keywords: application === 'encoder' ? keywords : { model, application, ...segments },
    tasks: writingTasks(application === 'encoder' ? {} : { completion: {} }, settings),
    ...(vocab && { tokenizer: name?.endsWith('.model') ? sentencePiece(vocab) : wordPiece(vocab) }),
  };
}

const sentencePiece = (model: Uint8Array) => ({ kind: 'sentencepiece', model }) as const;
const wordPiece = (vocab: Uint8Array) => ({ kind: 'wordpiece', vocab, doLowerCase: true }) as const;

/** End token and length for tasks that write; they take the place of a preset's end id, and of a longer least length. */
function writingTasks(given: Manifest['tasks'], { endToken, maxLen }: Settings): Manifest['tasks'] {
  const chosen = Object.entries(given).map(([name, { minLen = 0 }]) => [
    name,
    {
      ...(endToken !== '' && { endToken, endId: null }),
      ...(maxLen > 0 && { maxLen, ...(Number(minLen) > maxLen && { minLen: null }) }),
    },
  ]);
  return Object.fromEntries(chosen);
}

async function bytesOf(blob: Blob): Promise<Uint8Array> {
  return new Uint8Array(await blob.arrayBuffer());
}
