/**
 * The table of tokenizers: what the manifest calls a kind, and how it is built from its files.
 */
import { ConfigError } from '../core/errors.ts';
import type { TokenizerEntry } from '../core/manifest.ts';
import type { Tokenizer } from './tokenizer.ts';

/** Reads a whole file of the model directory. */
export type ReadFile = (name: string) => Promise<Uint8Array>;

/** Builds tokenizers of one kind. */
type Build<E extends TokenizerEntry> = (entry: E, readFile: ReadFile) => Promise<Tokenizer>;

const tokenizers: { readonly [E in TokenizerEntry as E['kind']]?: Build<E> } = {};

/** Builds the tokenizer of a model. @throws ConfigError when there is none of that kind; what its reader throws. */
export function createTokenizer(entry: TokenizerEntry, readFile: ReadFile): Promise<Tokenizer> {
  const build = tokenizers[entry.kind] as Build<TokenizerEntry> | undefined;
  if (build !== undefined) return build(entry, readFile);
  const expected = `one of ${Object.keys(tokenizers).join(', ')}`;
  throw new ConfigError({ what: 'kind of tokenizer', expected, found: entry.kind });
}
