/**
 * What can be converted: the bundled examples, or files that the user brings, told apart by their names.
 */
import type { Word } from './words.ts';

/** Files of a model by role; a user may still lack some of them. */
export interface ModelFiles {
  /** `config.json`, or a cloze reader's `model.config`, which has words too. */
  readonly config?: NamedBlob;
  /** `vocab.txt`, or a SentencePiece `*.model`. */
  readonly vocab?: NamedBlob;
  /** Checkpoint files by name. */
  readonly checkpoint: ReadonlyMap<string, Blob>;
  /** Names, or beginnings of names, of the checkpoints among them. */
  readonly checkpointNames: readonly string[];
  /** Files that have no role. */
  readonly ignored: readonly string[];
}

/** A file's bytes under its name. */
export interface NamedBlob {
  readonly name: string;
  readonly blob: Blob;
}

/** A bundled example: what it is for, and its files in its folder. */
export interface Bundled {
  readonly task: Word;
  readonly title: string;
  readonly preset: string;
  readonly files: readonly string[];
}

const shard = (name: string): readonly string[] => [`${name}.index`, `${name}.data-00000-of-00001`];

/** Bundled examples by the name of their folder. */
export const bundled: Readonly<Record<string, Bundled>> = {
  'qa-unilm': {
    task: 'answer',
    title: 'BERT · UniLM',
    preset: 'seq2seq-rc',
    files: ['config.json', 'vocab.txt', ...shard('bert_model.ckpt')],
  },
  'qa-mlm': {
    task: 'answer',
    title: 'BERT · MLM',
    preset: 'mlm-rc',
    files: ['config.json', 'vocab.txt', 'best_model.weights'],
  },
  'chat-nezha': {
    task: 'chat',
    title: 'NEZHA',
    preset: 'nezha-chat',
    files: ['config.json', 'vocab.txt', ...shard('model.ckpt')],
  },
  'chat-cdial': {
    task: 'chat',
    title: 'CDial-GPT',
    preset: 'cdial-gpt',
    files: ['config.json', 'vocab.txt', ...shard('gpt_model.ckpt')],
  },
  'completion-gpt2': {
    task: 'complete',
    title: 'GPT-2 · CPM',
    preset: 'cpm-lm',
    files: ['config.json', 'chinese_vocab.model', ...shard('model.ckpt')],
  },
  'completion-gpt2ml': {
    task: 'complete',
    title: 'GPT2-ML',
    preset: 'gpt2-ml',
    files: ['config.json', 'vocab.txt', ...shard('model.ckpt-100000')],
  },
  'cloze-bilstm': {
    task: 'cloze',
    title: 'BiLSTM',
    preset: 'cmrc-cloze',
    files: ['model.config', ...shard('tk/tk_highest.ckpt')],
  },
};

/** Fetches a bundled example from beside the page. @throws Error naming the file that is not there. */
export async function fetchBundled(name: string): Promise<ModelFiles> {
  const files = bundled[name]?.files ?? [];
  const fetched = files.map(async file => {
    const response = await fetch(`models/${name}/${file}`);
    if (!response.ok) throw new Error(`models/${name}/${file}: HTTP ${response.status}`);
    return { name: file, blob: await response.blob() };
  });
  return sortFiles(await Promise.all(fetched));
}

const VOCABULARY = /\.(txt|model)$/;
const CONFIGURATION = /\.(json|config)$/;
/** What lies about in checkpoint folders and is not read. */
const BYSTANDERS = /\.(md|jsonl|csv|py|meta|pbtxt|yaml|zip|png)$|(^|\/)(checkpoint|NOTICE|LICENSE)$/i;

/** Sorts files by their names; of several that fit a role, the one with the more usual name has it. */
export function sortFiles(files: readonly NamedBlob[]): ModelFiles {
  const config = preferred(files, CONFIGURATION, /config/);
  const vocab = preferred(files, VOCABULARY, /vocab/);
  const ignored = files.filter(
    file => BYSTANDERS.test(file.name) || (hasSmallRole(file.name) && file !== config && file !== vocab),
  );
  const rest = files.filter(file => file !== config && file !== vocab && !ignored.includes(file));
  const stems = rest.map(({ name }) => name.replace(/\.(index|data-\d+-of-\d+)$/, ''));
  return {
    ...(config && { config }),
    ...(vocab && { vocab }),
    checkpoint: new Map(rest.map(({ name, blob }) => [name, blob])),
    checkpointNames: [...new Set(stems)],
    ignored: ignored.map(({ name }) => name),
  };
}

function hasSmallRole(name: string): boolean {
  return VOCABULARY.test(name) || CONFIGURATION.test(name);
}

function preferred(files: readonly NamedBlob[], role: RegExp, usual: RegExp): NamedBlob | undefined {
  const fitting = files.filter(({ name }) => role.test(name));
  return fitting.find(({ name }) => usual.test(name)) ?? fitting[0];
}

/** The files of a drop, those directly inside dropped folders among them. */
export async function droppedFiles({ items }: DataTransfer): Promise<readonly NamedBlob[]> {
  // Taken before the first await: the list empties itself after the event.
  const dropped = [...items].map(item => item.webkitGetAsEntry() ?? item.getAsFile());
  const found = dropped.map(async one => {
    if (one === null) return [];
    return one instanceof File ? [{ name: one.name, blob: one }] : filesOf(one);
  });
  return (await Promise.all(found)).flat();
}

async function filesOf(entry: FileSystemEntry): Promise<readonly NamedBlob[]> {
  if (!entry.isDirectory) return [await fileOf(entry as FileSystemFileEntry)];
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const inside: FileSystemEntry[] = [];
  // A directory tells its entries in batches, the last of which is empty.
  for (;;) {
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (batch.length === 0) break;
    inside.push(...batch);
  }
  return Promise.all(inside.filter(({ isFile }) => isFile).map(one => fileOf(one as FileSystemFileEntry)));
}

async function fileOf(entry: FileSystemFileEntry): Promise<NamedBlob> {
  const blob = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
  return { name: entry.name, blob };
}
