/**
 * Fills every `[MASK]` of a text in one pass of a masked language model (Devlin et al. 2018), each on its own.
 */
import { ConfigError, InputError } from '../core/errors.ts';
import { softmaxRows } from '../decode/softmax.ts';
import { createSelection, selectTop } from '../decode/top-k.ts';
import { readRows } from '../generation/row-reader.ts';
import { type Model, tokenizerOf } from '../model.ts';
import type { Tokenizer } from '../tokenizers/tokenizer.ts';
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
  /** Candidates of each mask, in reading order, likeliest first. */
  readonly masks: readonly (readonly FillCandidate[])[];
}

/** Options of one call. */
export interface FillOptions {
  /** Candidates of each mask. Default 5. */
  readonly topK?: number;
  /** Only these tokens may stand at the masks. */
  readonly targets?: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

/** Fills masks. */
export interface FillMask {
  /**
   * Fills each `[MASK]` of a text.
   * @throws InputError when the text has no mask, is too long, or a target is not in the vocabulary; ConfigError;
   * SessionError; AbortedError.
   */
  fill(text: string, options?: FillOptions): Promise<Filled>;
}

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
  if (manifest.attention.visibility !== 'padding' || manifest.graphs.step === undefined) {
    const next = 'Convert a masked language model with --with-mlm.';
    throw new ConfigError({ what: 'model', expected: 'an encoder with token logits', found: 'another', next });
  }
  const session = await model.openGraph('step');
  const { vocabSize } = manifest.dimensions;

  return {
    async fill(text, { topK = 5, targets, signal } = {}) {
      if (!Number.isInteger(topK) || topK < 1) {
        throw new ConfigError({ what: 'topK', expected: 'a whole number from 1 up', found: String(topK) });
      }
      const allowed = targets?.map(target => knownId(tokenizer, target));
      const tokenIds = maskedIds(tokenizer, text, maskId);
      const rows = tokenIds.flatMap((id, index) => (id === maskId ? [index] : []));
      const request = { tokenIds, segmentIds: tokenIds.map(() => 0), rows };
      const [logits = new Float32Array(0)] = await readRows(session, manifest, [request], { signal });
      const probabilities = softmaxRows(logits, vocabSize, 'masks');
      const masks = rows.map((_, i) => {
        const row = probabilities.subarray(i * vocabSize, (i + 1) * vocabSize);
        return bestTokens(row, topK, allowed).map(tokenId => candidate(tokenizer, tokenId, row));
      });
      rows.forEach((at, i) => {
        tokenIds[at] = masks[i]?.[0]?.tokenId ?? maskId;
      });
      return { text: tokenizer.decode(tokenIds), masks };
    },
  };
}

/** Ids of a text whose masks are tokens: bert4keras' tokenizer would take "[MASK]" apart. */
function maskedIds(tokenizer: Tokenizer, text: string, maskId: number): number[] {
  const pieces = text.split(MASK);
  if (pieces.length < 2) throw new InputError({ what: 'text', expected: `at least one ${MASK}`, found: 'none' });
  const { tokenStartId, tokenEndId } = tokenizer;
  const inner = (ids: readonly number[]) =>
    ids.slice(tokenStartId === undefined ? 0 : 1, tokenEndId === undefined ? undefined : -1);
  const ids = pieces.flatMap((piece, i) => [...(i > 0 ? [maskId] : []), ...inner(tokenizer.encode(piece).tokenIds)]);
  return [
    ...(tokenStartId === undefined ? [] : [tokenStartId]),
    ...ids,
    ...(tokenEndId === undefined ? [] : [tokenEndId]),
  ];
}

function bestTokens(row: Float32Array, topK: number, allowed: readonly number[] | undefined): readonly number[] {
  if (allowed !== undefined) return [...allowed].sort((a, b) => (row[b] ?? 0) - (row[a] ?? 0)).slice(0, topK);
  const best = createSelection(Math.min(topK, row.length));
  selectTop(row, Math.min(topK, row.length), best);
  return Array.from(best.ids);
}

function candidate(tokenizer: Tokenizer, tokenId: number, row: Float32Array): FillCandidate {
  return { token: tokenizer.idToToken(tokenId), tokenId, score: row[tokenId] ?? 0 };
}

function knownId(tokenizer: Tokenizer, token: string): number {
  const id = tokenizer.tokenToId(token);
  if (id !== tokenizer.tokenUnkId) return id;
  throw new InputError({ what: 'target', expected: 'a token of the vocabulary', found: JSON.stringify(token) });
}
