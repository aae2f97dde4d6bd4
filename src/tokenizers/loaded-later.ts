/** Tokenizers that few models need. In a page they are one file, loaded by whichever is asked for first. */
export { openSpTokenizer } from './sentencepiece/open-sp-tokenizer.ts';
export { openWordTokenizer } from './wordpiece/open-word-tokenizer.ts';
