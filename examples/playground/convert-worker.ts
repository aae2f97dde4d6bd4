/**
 * Converts beside the page, into the private file system.
 */
import { convert, withPreset } from '../../converters/index.ts';
import { messageOf } from '../../src/core/errors.ts';
import type { ProgressEvent } from '../../src/core/progress.ts';
import { blobSet } from '../../src/io/blob.ts';
import { opfsSink } from '../../src/io/opfs.ts';
import type { ModelFiles } from './models.ts';

/** What the worker says. */
export type ConvertMessage =
  | { readonly kind: 'progress'; readonly event: ProgressEvent }
  | { readonly kind: 'done'; readonly scheme: string }
  | { readonly kind: 'failed'; readonly message: string };

/** Folder of the private file system in which the playground keeps its model. */
export const FOLDER = 'playground';

self.addEventListener('message', async ({ data }: MessageEvent<ModelFiles>) => {
  const say = (message: ConvertMessage): void => self.postMessage(message);
  try {
    const options = {
      checkpoint: { files: blobSet(data.checkpoint), name: data.checkpointName },
      config: await bytesOf(data.config),
      onProgress: (event: ProgressEvent) => say({ kind: 'progress', event }),
    };
    const root = await navigator.storage.getDirectory();
    const directory = await root.getDirectoryHandle(FOLDER, { create: true });
    const { preset, vocab } = data;
    const complete =
      preset === undefined || vocab === undefined
        ? { ...options, keywords: { model: 'cloze-bilstm' } }
        : withPreset(preset, { ...options, vocab: await bytesOf(vocab) });
    const { scheme } = await convert(complete, await opfsSink(directory));
    say({ kind: 'done', scheme });
  } catch (error) {
    say({ kind: 'failed', message: messageOf(error) });
  }
});

async function bytesOf(blob: Blob): Promise<Uint8Array> {
  return new Uint8Array(await blob.arrayBuffer());
}
