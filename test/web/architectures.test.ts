/**
 * Recorded cases of architectures that no example model has, in a browser: the reference's probabilities, on WebAssembly
 * and on WebGPU. Rotary positions are the reason: a GPU's own sine would be too coarse for them.
 */
import assert from 'node:assert/strict';
import path from 'node:path';
import { directorySink } from '../../src/io/directory-sink.ts';
import { convertCase, type RecordedRun, recordedCases } from '../parity/recorded-cases.ts';
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
});

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
