/**
 * Files that people have in place of a checkpoint, told from their first bytes, for errors: what it is and what to do.
 */

/** What a file is. */
export interface ForeignFile {
  readonly found: string;
  readonly next: string;
}

interface Kind extends ForeignFile {
  matches(start: Start): boolean;
}

/** The beginning of a file: as bytes, as Latin-1 text, and of a zip the name of its first entry. */
interface Start {
  readonly bytes: Uint8Array;
  readonly text: string;
  readonly entry: string | undefined;
}

/** Bytes that are looked at. */
export const START = 128;

/** Where a zip has the name of its first entry. */
const ENTRY_NAME = 30;

const ELSEWHERE = 'bert4ort reads what TensorFlow and Keras wrote: look for that release of the model.';
const UNPACK = 'Unpack it, and name the checkpoint inside.';

/** The kind that is sought first stands first. */
const KINDS: readonly Kind[] = [
  {
    found: 'a Git LFS pointer, which stands for the file',
    next: 'Run `git lfs pull` where it was cloned, or download the file itself.',
    matches: ({ text }) => text.startsWith('version https://git-lfs'),
  },
  {
    found: 'a web page',
    next: 'It was saved in place of the file: download it again.',
    matches: ({ text }) => /^\s*<(!doctype html|html|\?xml)/i.test(text),
  },
  {
    found: 'a PyTorch file',
    next: ELSEWHERE,
    // A zip; before PyTorch 1.6 pickles, a magic number first.
    matches: ({ text, entry = '' }) =>
      /^[^/]+\/(data\.pkl|\.format_version|byteorder)/.test(entry) || text.startsWith(TORCH),
  },
  {
    found: 'a Keras 3 archive',
    next: "Keras 3 writes another layout: save with Keras 2's model.save_weights.",
    matches: ({ entry = '' }) => /^(metadata\.json|config\.json|model\.weights\.h5)/.test(entry),
  },
  { found: 'a zip archive', next: UNPACK, matches: ({ entry }) => entry !== undefined },
  { found: 'a gzip archive', next: UNPACK, matches: ({ text }) => text.startsWith('\x1f\x8b') },
  {
    found: 'a safetensors file',
    next: ELSEWHERE,
    // The size of its header in eight bytes, then the header.
    matches: ({ text }) => text.slice(6).startsWith('\0\0{"'),
  },
  {
    found: 'an ONNX model',
    next: 'It is converted already: run it with ONNX Runtime.',
    matches: ({ bytes: [tag, version = 0, then = 0] }) => tag === 0x08 && version < 0x20 && [0x12, 0x3a].includes(then),
  },
];

/** The pickled magic number of torch.save: protocol 2, LONG1 of ten bytes. */
const TORCH = '\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19';

/** What a file with these first bytes is; undefined when nobody knows. */
export function foreignFile(bytes: Uint8Array): ForeignFile | undefined {
  const text = String.fromCharCode(...bytes.subarray(0, START));
  const entry = text.startsWith('PK\x03\x04') ? text.slice(ENTRY_NAME) : undefined;
  const kind = KINDS.find(({ matches }) => matches({ bytes, text, entry }));
  return kind && { found: kind.found, next: kind.next };
}
