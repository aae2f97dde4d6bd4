/** `cloze`: the recorded words through convert → cloze, accuracy against the truths, and what is refused. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { callCli, jsonLines } from './run-cli.ts';

const MODEL = 'examples/models/cloze-bilstm';
const FILES = ['--config', `${MODEL}/model.config`, '--checkpoint', `${MODEL}/tk/tk_highest.ckpt`];

describe('cloze', () => {
  let folder = '';
  let out = '';
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-cloze-'));
    out = path.join(folder, 'cloze');
    const { code, stderr } = await callCli(['convert', '--model', 'cloze-bilstm', ...FILES, '--out', out]);
    assert.equal(code, 0, stderr);
  });
  after(() => rm(folder, { recursive: true }));

  it('gives the recorded words and says how many are true', async () => {
    const input = `${MODEL}/examples.jsonl`;
    const recorded = jsonLines(await readFile(input, 'utf8'));
    const { code, stdout, stderr } = await callCli(['cloze', out, '--input', input, '--truth', '--top-k', '5']);
    assert.equal(code, 0, stderr);
    const answers = jsonLines(stdout);
    assert.deepEqual(
      answers.map(({ answer, correct }) => [answer, correct]),
      recorded.map(({ predicted, answer }) => [predicted, predicted === answer]),
    );
    for (const [i, { candidates }] of answers.entries()) {
      const expected = recorded[i]?.['top5'] as readonly (readonly [string, number])[];
      const found = candidates as readonly { word: string; score: number }[];
      assert.deepEqual(
        found.map(({ word }) => word),
        expected.map(([word]) => word),
      );
      found.forEach(({ score }, rank) => {
        assert.ok(Math.abs(score - (expected[rank]?.[1] ?? Number.NaN)) < 1e-5, `${i}: ${score}`);
      });
    }
    const right = recorded.filter(({ predicted, answer }) => predicted === answer).length;
    assert.ok(right > 0 && right < recorded.length);
    assert.match(
      stderr,
      new RegExp(`accuracy ${((100 * right) / recorded.length).toFixed(2)} % of ${recorded.length}`),
    );
  });

  it('takes document and query, and reports a bad line where it stands', async () => {
    const input = path.join(folder, 'items.jsonl');
    const items = [
      { id: 1, text: '小 猴 吃 桃子 。\n小 兔 吃 XXXXX 。' },
      { id: 2, document: '小 猴 吃 桃子 。', query: '小 兔 吃 XXXXX 。' },
      { id: 3, text: '没有' },
      { id: 4, text: '小 兔 吃 XXXXX', document: '小 猴' },
    ];
    await writeFile(input, items.map(item => JSON.stringify(item)).join('\n'));
    const { code, stdout } = await callCli(['cloze', out, '--input', input]);
    assert.equal(code, 1);
    const [joined, apart, none, both] = jsonLines(stdout);
    assert.deepEqual({ ...apart, id: 1 }, joined);
    assert.match(String(none?.['error']), /a blank XXXXX/);
    assert.match(String(both?.['error']), /either "text"/);
  });

  it('compares only what has a truth, from a file', async () => {
    const { code, stderr } = await callCli(['cloze', out, '--truth']);
    assert.equal(code, 2);
    assert.match(stderr, /--input/);
    const input = path.join(folder, 'untold.jsonl');
    await writeFile(input, '{"id":1,"text":"小 兔 吃 XXXXX 。"}\n');
    const untold = await callCli(['cloze', out, '--input', input, '--truth']);
    assert.equal(untold.code, 1);
    assert.match(String(jsonLines(untold.stdout)[0]?.['error']), /answer/);
    assert.match(untold.stderr, /of 0$/m);
  });

  it('converts with its preset, which takes no vocabulary', async () => {
    const other = path.join(folder, 'preset');
    const args = ['convert', '--preset', 'cmrc-cloze', ...FILES, '--out', other];
    const refused = await callCli([...args, '--vocab', 'examples/models/qa-unilm/vocab.txt']);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /vocabulary of preset cmrc-cloze/);
    const { code, stderr } = await callCli(args);
    assert.equal(code, 0, stderr);
    for (const file of ['words.txt', 'onnx/model.onnx']) {
      assert.deepEqual(await readFile(path.join(other, file)), await readFile(path.join(out, file)), file);
    }
  });
});
