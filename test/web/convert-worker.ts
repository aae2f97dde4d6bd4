/**
 * Converts in a worker, as a page should: planning a large model takes longer than a page may stand still.
 */
import { convert } from '../../converters/index.ts';
import { messageOf } from '../../src/core/errors.ts';
import { httpSet } from '../../src/io/http.ts';
import { opfsSink } from '../../src/io/opfs.ts';

/** What to convert, and the name of the folder in the private file system. */
export interface PageConversion {
  readonly base: string;
  readonly files: readonly string[];
  readonly checkpoint: string;
  readonly keywords: Readonly<Record<string, string | boolean>>;
  readonly into: string;
}

self.addEventListener('message', async ({ data }: MessageEvent<PageConversion>) => {
  self.postMessage(await convertInto(data).then(() => null, messageOf));
});

async function convertInto({ base, files, checkpoint, keywords, into }: PageConversion): Promise<void> {
  const remote = httpSet(base, { names: files });
  const read = async (name: string): Promise<Uint8Array> => {
    const source = await remote.open(name);
    return source.read(0, source.size);
  };
  const root = await navigator.storage.getDirectory();
  const directory = await root.getDirectoryHandle(into, { create: true });
  const options = {
    checkpoint: { files: remote, name: checkpoint },
    config: await read('config.json'),
    keywords,
    tokenizer: { kind: 'wordpiece', vocab: await read('vocab.txt') },
  } as const;
  await convert(options, await opfsSink(directory));
}
