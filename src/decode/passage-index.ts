/**
 * Where a generated prefix occurs in a set of passages. A match is a place in the text just behind the prefix, so growing
 * a prefix by one token only filters the matches of its parent: an n-gram table without the table.
 */

/** Passages laid end to end, each followed by a separator that no token equals. */
export interface PassageIndex {
  readonly text: Int32Array;
  /** Start of each passage in `text`, and the end of all at last. */
  readonly starts: readonly number[];
}

const SEPARATOR = -1;

/** An index over passages of token ids. Takes memory and time proportional to their total length. */
export function createPassageIndex(passages: readonly (readonly number[])[]): PassageIndex {
  const starts = [0];
  for (const passage of passages) starts.push((starts.at(-1) ?? 0) + passage.length + 1);
  const text = new Int32Array(starts.at(-1) ?? 0).fill(SEPARATOR);
  passages.forEach((passage, index) => {
    text.set(passage, starts[index]);
  });
  return { text, starts };
}

/** The places behind the empty prefix in the passages numbered `kept`: all their tokens. */
export function firstMatches(index: PassageIndex, kept: Iterable<number>): Int32Array {
  const places: number[] = [];
  for (const passage of kept) {
    for (let place = index.starts[passage] ?? 0; place < (index.starts[passage + 1] ?? 0) - 1; place++)
      places.push(place);
  }
  return Int32Array.from(places);
}

/** The places behind a prefix that grew by `tokenId`, from the places behind it before. */
export function advanceMatches({ text }: PassageIndex, matches: Int32Array, tokenId: number): Int32Array {
  let count = 0;
  for (const place of matches) if (text[place] === tokenId) count++;
  const grown = new Int32Array(count);
  let next = 0;
  for (const place of matches) if (text[place] === tokenId) grown[next++] = place + 1;
  return grown;
}

/** The tokens that stand at `matches`, lowest id first, each once: what may continue the prefix. */
export function continuations({ text }: PassageIndex, matches: Int32Array): Int32Array {
  const tokenIds = new Set<number>();
  for (const place of matches) {
    const tokenId = text[place] ?? SEPARATOR;
    if (tokenId !== SEPARATOR) tokenIds.add(tokenId);
  }
  return Int32Array.from(tokenIds).sort();
}
