/**
 * Fills every `[MASK]` of a text in one pass of a masked language model (Devlin et al. 2018), each on its own.
 */
import { InputError } from '../core/errors.ts';
import { softmaxRows } from '../decode/softmax.ts';
import { selectTop } from '../decode/top-k.ts';
import { createRowReader, type RowRequest } from '../generation/row-reader.ts';
import type { RunCounts } from '../generation/run-counts.ts';
import { type Model, tokenizerOf } from '../model.ts';
import type { Tokenizer } from '../tokenizers/tokenizer.ts';
import { requireMaskedModel } from './masked-model.ts';
import { createSettingsReader, type SettingChecks, someOf, string, wholeNumber } from './setting-checks.ts';
import { requireId } from './special-ids.ts';

/** How the mask is written in a text. */
export const MASK = '[MASK]';

/** A token that could stand at a mask. */
export interface FillCandidate {
  readonly token: string;
  readonly tokenId: number;
  /** Probability over the whole vocabulary. */
  readonly score: number;
}

/** A filled text. */
export interface Filled {
  /** The text with the likeliest token at each mask, as the tokenizer decodes it. */
  readonly text: string;
  /** The second text likewise, where there is one. */
  readonly second?: string;
  /** Candidates of each mask, in reading order, likeliest first. */
  readonly masks: readonly (readonly FillCandidate[])[];
}

/** What a model's manifest (`tasks.fill`) and a call can say. */
export interface FillSettings {
  /** Most candidates of each mask. Default 5. */
  readonly topK: number;
  /** Only these tokens may stand at the masks. Default: the whole vocabulary. */
  readonly targets?: readonly string[];
}

/** Options of one call; they replace settings. */
export interface FillOptions extends Partial<FillSettings> {
  /** A second text, as segment 1 after the first; it may hold masks too. */
  readonly second?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Fills masks. */
export interface FillMask {
  /**
   * Fills each `[MASK]` of a text, or of two. Several calls at once are computed together.
   * @throws InputError when there is no mask, the text is too long, or a target is not in the vocabulary; ConfigError;
   * SessionError; AbortedError.
   */
  fill(text: string, options?: FillOptions): Promise<Filled>;
  /** What has been computed so far. */
  readonly counts: RunCounts;
}

const SETTINGS: SettingChecks = { topK: wholeNumber(1), targets: someOf(string) };
const DEFAULTS: FillSettings = { topK: 5 };

/**
 * A filler over a masked language model.
 * @throws ConfigError when the model has no tokenizer, mask token or token logits; SessionError.
 * @example
 * const { fill } = await createFillMask(model);
 * const { masks } = await fill('北京是中国的[MASK]都。');
 */
export async function createFillMask(model: Model): Promise<FillMask> {
  const { manifest } = model;
  const tokenizer = tokenizerOf(model);
  const maskId = requireId(tokenizer.tokenMaskId, 'mask');
  requireMaskedModel(manifest);
  const reader = createRowReader(await model.openGraph('read'), manifest);
  const { vocabSize } = manifest.dimensions;
  const settingsOf = createSettingsReader(manifest, { task: 'fill', checks: SETTINGS, defaults: DEFAULTS });

  return {
    async fill(text, { second, signal, ...options } = {}) {
      const { topK, targets } = settingsOf(options);
      const allowed =
        targets === undefined ? undefined : [...new Set(targets.map(target => knownId(tokenizer, target)))];
      const row = maskedRow(tokenizer, second === undefined ? [text] : [text, second], maskId);
      const candidatesOf = (logits: Float32Array): Filled['masks'] => {
        const probabilities = softmaxRows(logits, vocabSize, 'masks');
        return row.rows.map((_, i) => {
          const scores = probabilities.subarray(i * vocabSize, (i + 1) * vocabSize);
          return bestTokens(scores, topK, allowed).map(tokenId => candidate(tokenizer, tokenId, scores));
        });
      };
      const [masks = []] = await reader.read([row], candidatesOf, { signal });
      const filled = [...row.tokenIds];
      row.rows.forEach((at, i) => {
        filled[at] = masks[i]?.[0]?.tokenId ?? maskId;
      });
      const part = (segment: number) => tokenizer.decode(filled.filter((_, i) => row.segmentIds[i] === segment));
      return { text: part(0), masks, ...(second !== undefined && { second: part(1) }) };
    },
    get counts() {
      return reader.counts;
    },
  };
}

/** The row of one or two texts whose masks are tokens: bert4keras' tokenizer would take "[MASK]" apart. */
function maskedRow(tokenizer: Tokenizer, texts: readonly string[], maskId: number): RowRequest {
  const start = tokenizer.tokenStartId === undefined ? [] : [tokenizer.tokenStartId];
  const end = tokenizer.tokenEndId === undefined ? [] : [tokenizer.tokenEndId];
  const inner = (ids: readonly number[]) => ids.slice(start.length, ids.length - end.length);
  const parts = texts.map((text, segment) => {
    const pieces = text.split(MASK).map(piece => inner(tokenizer.encode(piece).tokenIds));
    const ids = pieces.flatMap((piece, i) => (i > 0 ? [maskId, ...piece] : piece));
    return [...(segment === 0 ? start : []), ...ids, ...end];
  });
  const tokenIds = parts.flat();
  const rows = tokenIds.flatMap((id, index) => (id === maskId ? [index] : []));
  if (rows.length === 0) throw new InputError({ what: 'text', expected: `at least one ${MASK}`, found: 'none' });
  return { tokenIds, segmentIds: parts.flatMap((part, segment) => part.map(() => segment)), rows };
}

function bestTokens(row: Float32Array, topK: number, allowed: readonly number[] | undefined): readonly number[] {
  if (allowed !== undefined) return [...allowed].sort((a, b) => (row[b] ?? 0) - (row[a] ?? 0)).slice(0, topK);
  return Array.from(selectTop(row, topK).ids);
}

function candidate(tokenizer: Tokenizer, tokenId: number, row: Float32Array): FillCandidate {
  return { token: tokenizer.idToToken(tokenId), tokenId, score: row[tokenId] ?? 0 };
}

function knownId(tokenizer: Tokenizer, token: string): number {
  const id = tokenizer.tokenToId(token);
  if (id !== tokenizer.tokenUnkId) return id;
  throw new InputError({ what: 'target', expected: 'a token of the vocabulary', found: JSON.stringify(token) });
}
