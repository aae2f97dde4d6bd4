/**
 * The page's side of the worker that inspects and converts.
 */
import type { ConvertReply, ConvertRequest } from './convert-worker.ts';
import type { Choices, Inspection } from './inspect.ts';
import type { ModelFiles } from './models.ts';
import type { Settings } from './settings.ts';

/** An error of the worker, with the code of its class. */
export class ConverterError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'ConverterError';
    this.code = code;
  }
}

/** Inspects and converts. */
export interface Converter {
  inspect(files: ModelFiles, choices: Choices): Promise<Inspection>;
  /** Converts into the playground's folder of the private file system; after an abort the folder is as it was. */
  convert(files: ModelFiles, settings: Settings, controls: ConvertControls): Promise<void>;
}

/** How a conversion is watched and stopped. */
export interface ConvertControls {
  readonly signal: AbortSignal;
  /** Part of the weights that is written, from 0 to 1. */
  onProgress(part: number): void;
}

interface Waiting {
  readonly resolve: (reply: ConvertReply) => void;
  readonly reject: (error: Error) => void;
  readonly onProgress?: ((part: number) => void) | undefined;
}

/** Starts the worker. */
export function startConverter(): Converter {
  const worker = new Worker(new URL('./convert-worker.js', import.meta.url), { type: 'module' });
  const waiting = new Map<number, Waiting>();
  let next = 0;
  const post = (request: ConvertRequest): void => worker.postMessage(request);
  const ask = (request: (id: number) => ConvertRequest, onProgress?: (part: number) => void) => {
    const id = next++;
    const replied = new Promise<ConvertReply>((resolve, reject) => waiting.set(id, { resolve, reject, onProgress }));
    post(request(id));
    return replied;
  };

  worker.onerror = ({ message }) => {
    for (const { reject } of waiting.values()) reject(new Error(message ?? 'convert-worker.js could not be loaded'));
    waiting.clear();
  };
  worker.onmessage = ({ data }: MessageEvent<ConvertReply>) => {
    const one = waiting.get(data.id);
    if (data.kind === 'progress') {
      if (data.event.status === 'progress') one?.onProgress?.(data.event.loaded / data.event.total);
      return;
    }
    waiting.delete(data.id);
    if (data.kind === 'failed') one?.reject(new ConverterError(data.code, data.message));
    else one?.resolve(data);
  };

  return {
    async inspect(files, choices) {
      const reply = await ask(id => ({ kind: 'inspect', id, files, choices }));
      if (reply.kind !== 'inspected') throw new Error(`the worker answered ${reply.kind}`);
      return reply.inspection;
    },
    async convert(files, settings, { signal, onProgress }) {
      const cancel = (): void => post({ kind: 'cancel' });
      signal.addEventListener('abort', cancel, { once: true });
      await ask(id => ({ kind: 'convert', id, files, settings }), onProgress);
      signal.removeEventListener('abort', cancel);
    },
  };
}
