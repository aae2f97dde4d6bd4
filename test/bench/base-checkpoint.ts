/**
 * Writes a TensorFlow bundle of the size of BERT-base (12 layers, hidden size 768, 21,128 tokens, 409 MB) under the names
 * of published checkpoints, with valid checksums and meaningless values (noise, and ones where normalisation scales); optionally of another architecture, or with
 * Adam's slots, three times as large. No Python and no download.
 */
import { open, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createCrc32c, maskCrc32c } from '../../converters/crc32c.ts';
import { publishedName } from '../../converters/naming/google.ts';
import { publishedNames } from '../../converters/naming/index.ts';
import type { JsonObject } from '../../onnx-graphs/architecture.ts';
import { architectures } from '../../onnx-graphs/architectures/index.ts';
import { entry, header, table } from '../converters/tf-bundle-builder.ts';

/** The configuration of the checkpoint. */
export const BASE_CONFIG: JsonObject = {
  hidden_act: 'gelu',
  hidden_size: 768,
  intermediate_size: 3072,
  max_position_embeddings: 512,
  num_attention_heads: 12,
  num_hidden_layers: 12,
  type_vocab_size: 2,
  vocab_size: 21128,
};

/** All heads, as a published checkpoint has them. */
const EVERYTHING: JsonObject = { with_pool: true, with_nsp: true, with_mlm: true };

/** What to write instead of plain BERT. */
export interface BaseCheckpointOptions {
  readonly adam?: boolean;
  /** An architecture with published names. */
  readonly model?: string;
  /** Configuration over {@link BASE_CONFIG}. */
  readonly config?: JsonObject;
}

/** Writes `<folder>/bert_model.ckpt.*` and `<folder>/bert_config.json`; gives the number of bytes of the data file. */
export async function writeBaseCheckpoint(folder: string, options: BaseCheckpointOptions = {}): Promise<number> {
  const { model = 'bert' } = options;
  const config = { ...BASE_CONFIG, ...options.config };
  const tensors = storedTensors(model, config).flatMap(tensor => {
    const slots = ['/adam_m', '/adam_v'].map(slot => ({ ...tensor, name: tensor.name + slot }));
    return options.adam === true ? [tensor, ...slots] : [tensor];
  });
  tensors.sort((a, b) => (a.name < b.name ? -1 : 1));
  const data = await open(path.join(folder, 'bert_model.ckpt.data-00000-of-00001'), 'w');
  const entries = [{ key: '', value: header() }];
  let offset = 0;
  // Goes on from tensor to tensor: ONNX Runtime would keep one copy of layers that are equal, in half the memory.
  let from = 0;
  for (const { name, shape } of tensors) {
    const size = 4 * shape.reduce((product, dim) => product * dim, 1);
    const checksum = createCrc32c();
    const pattern = /(gamma|scale)$/.test(name) ? ONES : NOISE;
    for (let done = 0; done < size; ) {
      const bytes = pattern.subarray(from, from + size - done);
      checksum.update(bytes);
      await data.write(bytes);
      done += bytes.length;
      from = (from + bytes.length) % pattern.length;
    }
    entries.push({ key: name, value: entry({ shape, offset, size, crc32c: maskCrc32c(checksum.digest()) }) });
    offset += size;
  }
  await data.close();
  await writeFile(path.join(folder, 'bert_model.ckpt.index'), table(entries));
  await writeFile(path.join(folder, 'bert_config.json'), JSON.stringify(config));
  return offset;
}

/** Of an odd length, so that no two rows of a table are equal: ids of different programs can be compared. */
const LENGTH = 1_000_003;
const NOISE = bytesOf(createNoise(LENGTH));
const ONES = bytesOf(new Float32Array(LENGTH).fill(1));

/** Numbers between -0.035 and 0.035, spread like BERT's initial weights: deviation 0.02. */
function createNoise(length: number): Float32Array {
  let state = 1;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return 0.07 * (state / 2 ** 32 - 0.5);
  });
}

function bytesOf({ buffer }: Float32Array): Uint8Array {
  return new Uint8Array(buffer);
}

function storedTensors(
  model: string,
  config: JsonObject,
): { readonly name: string; readonly shape: readonly number[] }[] {
  const architecture = architectures[model];
  const names = publishedNames[model];
  if (architecture === undefined || names === undefined) throw new Error(`no published names of ${model}`);
  const layers = architecture.layers(architecture.parseConfig(config, model === 'bert' ? EVERYTHING : {}));
  return layers.flatMap(layer =>
    layer.slots.map(slot => {
      const { name = '', transposed = false } = publishedName(names, layer, slot) ?? {};
      return { name, shape: transposed ? [...slot.shape].reverse() : slot.shape };
    }),
  );
}
