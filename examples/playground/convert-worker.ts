/**
 * Inspects and converts beside the page, into the private file system.
 */
import { Bert4ortError, convert, type ProgressEvent } from '../../converters/index.ts';
import { messageOf, opfsSink } from '../../src/web.ts';
import { modelFolder } from './folder.ts';
import { type Choices, type Inspection, inspectFiles } from './inspect.ts';
import type { ModelFiles } from './models.ts';
import { convertOptions, type Settings } from './settings.ts';

/** What the page asks for; `cancel` ends the conversion that is under way. */
export type ConvertRequest =
  | { readonly kind: 'inspect'; readonly id: number; readonly files: ModelFiles; readonly choices: Choices }
  | { readonly kind: 'convert'; readonly id: number; readonly files: ModelFiles; readonly settings: Settings }
  | { readonly kind: 'cancel' };

/** What the worker says. */
export type ConvertReply =
  | { readonly kind: 'progress'; readonly id: number; readonly event: ProgressEvent }
  | { readonly kind: 'inspected'; readonly id: number; readonly inspection: Inspection }
  | { readonly kind: 'converted'; readonly id: number }
  | { readonly kind: 'failed'; readonly id: number; readonly code: string; readonly message: string };

let converting = new AbortController();

self.addEventListener('message', async ({ data }: MessageEvent<ConvertRequest>) => {
  if (data.kind === 'cancel') {
    converting.abort();
    return;
  }
  try {
    say(await answer(data));
  } catch (error) {
    const code = error instanceof Bert4ortError ? error.code : 'OTHER';
    say({ kind: 'failed', id: data.id, code, message: messageOf(error) });
  }
});

async function answer(request: Exclude<ConvertRequest, { kind: 'cancel' }>): Promise<ConvertReply> {
  const { id, files } = request;
  if (request.kind === 'inspect') {
    return { kind: 'inspected', id, inspection: await inspectFiles(files, request.choices) };
  }
  converting = new AbortController();
  const { signal } = converting;
  const { config } = files;
  if (config === undefined) throw new Error('no configuration');
  const options = await convertOptions({ ...files, config }, request.settings);
  const sink = await opfsSink(await modelFolder());
  await convert({ ...options, signal, onProgress: event => say({ kind: 'progress', id, event }) }, sink);
  return { kind: 'converted', id };
}

function say(reply: ConvertReply): void {
  self.postMessage(reply);
}
