/**
 * Constrained decoding: at each step a rule says which tokens may come (PrefixConstrainedLogitsProcessor,
 * https://github.com/huggingface/transformers/blob/aa5108b449965084a90a4c8ce130a156aebf28f1/src/transformers/generation/logits_process.py), either a function or a trie of whole sequences.
 */
import type { LogitsProcessor, ProcessorContext } from '../logits-processor.ts';
import { checkInteger, refuse } from '../option-checks.ts';
import { type Hypothesis, type ScoreArray, tokenIdsOf } from '../scorer.ts';

/** The tokens that may follow `tokenIds`, the generated ones. Include the end token where the text may end. */
export type AllowedTokens = (tokenIds: readonly number[], context: ProcessorContext) => Iterable<number>;

/** Rules out every token that `allowed` doesn't list. */
export function allowedTokens(allowed: AllowedTokens): LogitsProcessor {
  return (scores, hypothesis, context) => keepOnly(scores, allowed(tokenIdsOf(hypothesis), context));
}

/**
 * Lets the generated text be one of `sequences` (token ids without the end token), and lets it end only where one of them
 * does.
 */
export function allowedSequences(sequences: readonly (readonly number[])[]): LogitsProcessor {
  if (sequences.length === 0) refuse('allowedSequences', 'at least one sequence', '[]');
  for (const sequence of sequences) for (const tokenId of sequence) checkInteger('allowedSequences', tokenId, 0);
  const root = trieOf(sequences);
  const known = new WeakMap<Hypothesis, TrieNode>();
  const nodeOf = (hypothesis: Hypothesis): TrieNode => {
    if (hypothesis.parent === null) return root;
    const node = known.get(hypothesis) ?? nodeOf(hypothesis.parent).next.get(hypothesis.tokenId) ?? FINISHED;
    known.set(hypothesis, node);
    return node;
  };
  return (scores, hypothesis, { endId }) => {
    const { next, mayEnd } = nodeOf(hypothesis);
    keepOnly(scores, mayEnd ? [...next.keys(), endId] : next.keys());
  };
}

interface TrieNode {
  readonly next: Map<number, TrieNode>;
  mayEnd: boolean;
}

/** Behind an end token that did not end the text: only further end tokens. */
const FINISHED: TrieNode = { next: new Map(), mayEnd: true };

function trieOf(sequences: readonly (readonly number[])[]): TrieNode {
  const root: TrieNode = { next: new Map(), mayEnd: false };
  for (const sequence of sequences) {
    let node = root;
    for (const tokenId of sequence) {
      const child = node.next.get(tokenId) ?? { next: new Map(), mayEnd: false };
      node.next.set(tokenId, child);
      node = child;
    }
    node.mayEnd = true;
  }
  return root;
}

function keepOnly(scores: ScoreArray, tokenIds: Iterable<number>): void {
  const kept = Array.from(tokenIds, tokenId => [tokenId, scores[tokenId]] as const);
  scores.fill(Number.NEGATIVE_INFINITY);
  for (const [tokenId, score] of kept) if (score !== undefined) scores[tokenId] = score;
}
