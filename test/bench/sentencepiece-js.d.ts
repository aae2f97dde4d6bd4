/** The part of `sentencepiece-js`, which has no types of its own, that the benchmark uses. */
declare module 'sentencepiece-js' {
  export class SentencePieceProcessor {
    load(path: string): Promise<void>;
    encodeIds(text: string): number[];
  }
}
