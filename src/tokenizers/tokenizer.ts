/**
 * What tasks need of a tokenizer, whichever kind it is. All lengths and indices count Unicode code points.
 */

/** Token ids with their segment ids, of equal length. */
export interface Encoding {
  readonly tokenIds: number[];
  readonly segmentIds: number[];
}

/** Options of `encode`, with bert4keras' meaning. */
export interface EncodeOptions {
  /** Longest result, in tokens; longer texts are truncated as bert4keras does. */
  readonly maxLen?: number | undefined;
  /** `S*E*E` drops the second text's start token; any other pattern keeps it. */
  readonly pattern?: string;
  /** Which token to drop: before the end (`right`), after the start (`left`), or at an index. */
  readonly truncateFrom?: 'right' | 'left' | number | readonly number[];
}

/** Text ⇄ ids. */
export interface Tokenizer {
  readonly vocabSize: number;
  readonly tokenStartId: number | undefined;
  readonly tokenEndId: number | undefined;
  readonly tokenMaskId: number | undefined;
  readonly tokenPadId: number | undefined;
  readonly tokenUnkId: number | undefined;
  tokenize(text: string, maxLen?: number): string[];
  tokenToId(token: string): number;
  idToToken(id: number): string;
  encode(first: string | readonly string[], second?: string | readonly string[], options?: EncodeOptions): Encoding;
  decode(ids: readonly number[]): string;
  /** For each token of `tokenize(text)` the indices of its characters; absent where the tokenizer can't tell. */
  rematch?(text: string, tokens: readonly string[]): number[][];
}
