/** Where jieba's data lies beside this module, in the sources as in the built package and in a bundle. */
import { createJieba, type Jieba } from './jieba.ts';

/** Address of `jieba.bin` (2.3 MB, 1.3 MB under gzip); bundlers see this form and copy the file. */
export const jiebaDataUrl: URL = new URL('./jieba.bin', import.meta.url);

/** Reads a data file of this package, by its address beside the code. */
export type ReadAsset = (address: URL) => Promise<Uint8Array>;

/**
 * Loads the data and makes a {@link Jieba} of it; each call gives one with its own user words.
 *
 * @param read - reads all bytes of an address: a file in Node, `fetch` in a browser.
 * @throws {@link FormatError} when what was read is not the data file; whatever `read` throws.
 * @example
 * const jieba = await loadJieba(url => readFile(url)); // Node
 * const jieba = await loadJieba(async url => new Uint8Array(await (await fetch(url)).arrayBuffer())); // browser
 */
export async function loadJieba(read: ReadAsset): Promise<Jieba> {
  return createJieba(await read(jiebaDataUrl));
}
