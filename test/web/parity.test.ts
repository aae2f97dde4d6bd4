/**
 * The recorded answers of the reference, in a browser: ids and texts are the same on WebAssembly and on WebGPU. A sample
 * of the recordings, so that it stays short; BERT4ORT_ALL_GOLDENS=1 runs all of them.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { EXAMPLES, webFixture } from './fixture.ts';
import type { GreedyItem } from './page.ts';

const ALL = process.env['BERT4ORT_ALL_GOLDENS'] === '1';

interface Recorded extends GreedyItem {
  readonly id: string;
  readonly n: number;
  readonly topk: number | null;
  readonly output_ids: readonly (readonly number[])[];
  readonly outputs: readonly string[];
}

describe('recorded answers in a browser', () => {
  const web = webFixture();

  for (const name of ['chat-nezha', 'completion-gpt2', 'completion-gpt2ml']) {
    const greedy = recordings<Recorded>(name).filter(({ n, topk }) => n === 1 && topk === 1);
    for (const [device, sample] of [
      ['wasm', 8],
      ['webgpu', 2],
    ] as const) {
      const items = ALL ? greedy : spread(greedy, sample);
      it(`${name} on ${device}: ${items.length} of ${greedy.length}`, async function () {
        this.timeout(ALL ? 600_000 : 60_000);
        const base = await web.serve(name);
        const page = await web.open();
        const wasmPaths = `${web.server.origin}/ort/`;
        const found = await page.evaluate(([url, all, options]) => globalThis.page.generateAll(url, all, options), [
          base,
          items as readonly GreedyItem[],
          { device, wasmPaths },
        ] as const);
        assert.equal(found.device?.device, device);
        for (const [i, { id, output_ids, outputs }] of items.entries()) {
          assert.deepEqual(found.outputs[i], { text: outputs[0], tokenIds: output_ids[0] }, id);
        }
        await page.close();
      });
    }
  }
});

function recordings<T>(name: string): readonly T[] {
  const text = readFileSync(path.join(EXAMPLES, name, 'goldens.jsonl'), 'utf8');
  return text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as T);
}

/** `count` of the items, evenly over all of them. */
function spread<T>(items: readonly T[], count: number): readonly T[] {
  const step = Math.max(1, Math.floor(items.length / count));
  return items.filter((_, i) => i % step === 0).slice(0, count);
}
