/**
 * Recorded cases of architectures that no example model has, in a browser: the reference's probabilities, on WebAssembly
 * and on WebGPU. Rotary positions are the reason: a GPU's own sine would be too coarse for them.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { directorySink } from '../../src/io/directory-sink.ts';
import { CASES as CASES_FOLDER, convertCase, type RecordedRun, recordedCases } from '../parity/recorded-cases.ts';
import { webFixture } from './fixture.ts';
import type { TextItem } from './page-tasks.ts';

const CASES = ['albert-mlm', 'roformer-mlm', 'roformer-v2-mlm', 't5.1.0', 'mt5-keep-tokens'];

const TOLERANCE = 1e-5;

describe('recorded cases in a browser', () => {
  const web = webFixture();

  const models = ['albert', 'roformer', 'roformer_v2', 't5.1.0', 'mt5.1.1'];
  for (const recorded of recordedCases(models).filter(({ name }) => CASES.includes(name))) {
    for (const device of ['wasm', 'webgpu'] as const) {
      it(`${recorded.name} on ${device}`, async () => {
        const folder = path.join(web.folder, recorded.name, device);
        await convertCase(recorded, await directorySink(folder));
        web.server.folders.set(`/${recorded.name}-${device}/`, folder);
        const runs = recorded.runs.filter(({ graph, inputs }) => {
          const tokens = inputs['Input-Token'] ?? inputs['Encoder-Input-Token'];
          return graph === 'model' && tokens?.shape[0] === 1;
        });
        assert.ok(runs.length >= 2);
        const page = await web.open();
        const options = { device, wasmPaths: `${web.server.origin}/ort/` };
        const request = [`${web.server.origin}/${recorded.name}-${device}/`, runs.map(itemOf), options] as const;
        const found = await page.evaluate(([url, items, how]) => globalThis.page.generateAll(url, items, how), request);
        assert.equal(found.device?.device, device);
        runs.forEach((run, i) => {
          compare(run, found.results[i]?.logits ?? []);
        });
        await page.context().close();
      });
    }
  }

  // A step has no rows of the source: WebGPU, which takes no empty tensors, gets a blank one.
  for (const device of ['wasm', 'webgpu'] as const) {
    it(`mT5 writes on ${device} as recorded`, async () => {
      const [recorded = assert.fail()] = recordedCases(['mt5.1.1']);
      const folder = path.join(web.folder, 'writes', device);
      const letters = Array.from({ length: 63 }, (_, i) => String.fromCodePoint(0x4e00 + i)).with(1, '[UNK]');
      const vocab = new TextEncoder().encode(letters.join('\n'));
      const tokenizer = { kind: 'wordpiece', vocab, tokenStart: null, tokenEnd: null } as const;
      const tasks = { completion: { endId: 3 } };
      await convertCase(recorded, await directorySink(folder), { tokenizer, tasks });
      web.server.folders.set(`/writes-${device}/`, folder);
      // No text is cut into [UNK] alone.
      const decodes = (await decodesOf(recorded.name)).filter(({ method, inputs }) => {
        return method === 'random_sample' && !inputs['Encoder-Input-Token'].includes(1);
      });
      assert.equal(decodes.length, 2);
      const items = decodes.map(({ inputs, end_id: endId, maxlen: maxLen, minlen }): TextItem => {
        const text = inputs['Encoder-Input-Token'].map(id => letters[id]).join('');
        // The reference counts the start token.
        return {
          kind: 'completion',
          texts: [text],
          options: { topK: 1, endId, maxLen, minLen: Math.max(1, minlen - 1) },
        };
      });
      const page = await web.open();
      const options = { device, wasmPaths: `${web.server.origin}/ort/` };
      const request = [`${web.server.origin}/writes-${device}/`, items, options] as const;
      const found = await page.evaluate(([url, items, how]) => globalThis.page.generateAll(url, items, how), request);
      assert.deepEqual(
        found.results.map(({ tokenIds }) => tokenIds),
        decodes.map(({ output }) => [output.slice(1)]),
      );
      await page.context().close();
    });
  }
});

interface RecordedDecode {
  readonly method: string;
  readonly inputs: { readonly 'Encoder-Input-Token': readonly number[] };
  readonly end_id: number;
  readonly maxlen: number;
  readonly minlen: number;
  readonly output: readonly number[];
}

async function decodesOf(name: string): Promise<readonly RecordedDecode[]> {
  const text = await readFile(path.join(CASES_FOLDER, name, 'case.json'), 'utf8');
  return (JSON.parse(text) as { decode: readonly RecordedDecode[] }).decode;
}

function itemOf({ inputs }: RecordedRun): TextItem {
  const ids = (name: string): readonly number[] => {
    const { data = [] } = inputs[name] ?? {};
    return typeof data === 'string' ? [] : data;
  };
  const decoderTokenIds = ids('Decoder-Input-Token');
  if (decoderTokenIds.length > 0) {
    const tokenIds = ids('Encoder-Input-Token');
    return { kind: 'forward', tokenIds, decoderTokenIds, positions: decoderTokenIds.map((_, i) => i) };
  }
  const tokenIds = ids('Input-Token');
  return { kind: 'forward', tokenIds, segmentIds: ids('Input-Segment'), positions: tokenIds.map((_, i) => i) };
}

function compare({ label, outputs }: RecordedRun, logits: readonly (readonly number[])[]): void {
  const output = outputs.find(({ name }) => /(MLM-Activation|Output-LM(-Activation)?)$/.test(name));
  assert.ok(output?.kind === 'probabilities', label);
  const expected = new Float32Array(new Uint8Array(Buffer.from(output.data, 'base64')).buffer);
  const found = logits.flatMap(softmax);
  assert.equal(found.length, expected.length, label);
  expected.forEach((wanted, i) => {
    assert.ok(Math.abs((found[i] ?? Number.NaN) - wanted) < TOLERANCE, `${label}[${i}]: ${found[i]}, not ${wanted}`);
  });
}

function softmax(logits: readonly number[]): number[] {
  const highest = Math.max(...logits);
  const weights = logits.map(logit => Math.exp(logit - highest));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map(weight => weight / sum);
}
