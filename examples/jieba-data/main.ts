/**
 * Rebuilds `src/tokenizers/jieba/jieba.bin` from an installed jieba:
 *
 *     npx tsx examples/jieba-data/main.ts path/to/site-packages/jieba [out.bin]
 *
 * reads `dict.txt` and `finalseg/prob_{start,trans,emit}.py` there. The same jieba gives the same bytes.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeJiebaData, parseProbabilities, type StateTable } from '../../src/tokenizers/jieba/encode-data.ts';
import { jiebaDataUrl } from '../../src/tokenizers/jieba/load-jieba.ts';

const [folder, out = jiebaDataUrl] = process.argv.slice(2);
if (folder === undefined) {
  console.error('usage: main.ts <folder of the jieba package> [file to write]');
  process.exit(2);
}

const bytes = encodeJiebaData({
  dictionary: await readFile(join(folder, 'dict.txt'), 'utf8'),
  start: (await probabilities('start')) as StateTable,
  transition: (await probabilities('trans')) as Record<string, StateTable>,
  emission: (await probabilities('emit')) as Record<string, StateTable>,
});
await writeFile(out, bytes);
console.error(`${bytes.length} bytes to ${out}`);

async function probabilities(name: string): Promise<unknown> {
  return parseProbabilities(await readFile(join(folder as string, 'finalseg', `prob_${name}.py`), 'utf8'));
}
