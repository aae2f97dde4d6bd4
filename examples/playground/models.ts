/**
 * What can be converted: the bundled examples, or files that the user brings, told apart by their names.
 */

/** Files of a model by role. */
export interface ModelFiles {
  /** None for the cloze model, whose configuration says all. */
  readonly preset?: string;
  readonly config: Blob;
  /** None for the cloze model, which has its words in the configuration. */
  readonly vocab?: Blob;
  /** Checkpoint files by name. */
  readonly checkpoint: ReadonlyMap<string, Blob>;
  /** Name or beginning of names of the checkpoint. */
  readonly checkpointName: string;
}

/** A bundled example: its folder, its files, and what to try. */
export interface Bundled {
  readonly preset?: string;
  readonly config: string;
  readonly vocab?: string;
  readonly checkpoint: readonly string[];
}

const shard = (name: string): readonly string[] => [`${name}.index`, `${name}.data-00000-of-00001`];

/** Bundled examples by the name of their folder. */
export const bundled: Readonly<Record<string, Bundled>> = {
  'qa-unilm': { preset: 'seq2seq-rc', config: 'config.json', vocab: 'vocab.txt', checkpoint: shard('bert_model.ckpt') },
  'qa-mlm': { preset: 'mlm-rc', config: 'config.json', vocab: 'vocab.txt', checkpoint: ['best_model.weights'] },
  'chat-nezha': { preset: 'nezha-chat', config: 'config.json', vocab: 'vocab.txt', checkpoint: shard('model.ckpt') },
  'completion-gpt2': {
    preset: 'cpm-lm',
    config: 'config.json',
    vocab: 'chinese_vocab.model',
    checkpoint: shard('model.ckpt'),
  },
  'cloze-bilstm': { config: 'model.config', checkpoint: shard('tk/tk_highest.ckpt') },
};

/** Fetches a bundled example from beside the page. */
export async function fetchBundled(name: string): Promise<ModelFiles> {
  const example = bundled[name];
  if (example === undefined) throw new Error(`no example ${name}`);
  const get = async (file: string): Promise<Blob> => {
    const response = await fetch(`models/${name}/${file}`);
    if (!response.ok) throw new Error(`${file}: ${response.status}`);
    return response.blob();
  };
  const checkpoint = new Map<string, Blob>();
  for (const file of example.checkpoint) checkpoint.set(file, await get(file));
  const { preset, vocab } = example;
  return {
    ...sorted(checkpoint),
    config: await get(example.config),
    ...(preset !== undefined && { preset }),
    ...(vocab !== undefined && { vocab: await get(vocab) }),
  };
}

/**
 * Sorts the user's files by their names: `*.json` is the configuration, `*.txt` and `*.model` the vocabulary, the rest
 * the checkpoint; `*.config` is a cloze model's configuration, words included.
 * @returns the files, or which role is not filled
 */
export function sortFiles(files: readonly File[], preset: string): ModelFiles | { readonly missing: string } {
  const cloze = files.find(({ name }) => name.endsWith('.config'));
  const config = cloze ?? files.find(({ name }) => name.endsWith('.json'));
  const vocab = files.find(({ name }) => /\.(txt|model)$/.test(name));
  const rest = files.filter(({ name }) => !/\.(json|config|txt|model|md)$/.test(name));
  if (config === undefined) return { missing: 'config.json' };
  if (vocab === undefined && cloze === undefined) return { missing: 'vocab.txt' };
  if (rest.length === 0) return { missing: '*.ckpt.index + *.data / *.weights' };
  const checkpoint = sorted(new Map(rest.map(file => [file.name, file])));
  return cloze === undefined && vocab !== undefined
    ? { ...checkpoint, preset, config, vocab }
    : { ...checkpoint, config };
}

function sorted(checkpoint: ReadonlyMap<string, Blob>): Pick<ModelFiles, 'checkpoint' | 'checkpointName'> {
  const names = [...checkpoint.keys()];
  const index = names.find(name => name.endsWith('.index'));
  return { checkpoint, checkpointName: index?.slice(0, -'.index'.length) ?? names[0] ?? '' };
}
