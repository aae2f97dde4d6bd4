/** `bench`: figures that are there, finite and consistent for every task; exact counts of tokens; what is refused. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createTextMaker } from '../../../src/cli/bench/made-up-texts.ts';
import type { BenchReport, TaskReport } from '../../../src/cli/bench/report.ts';
import { loadModel, type Model } from '../../../src/node.ts';
import { callCli } from '../run-cli.ts';

const MODELS = 'examples/models';
const FAST = ['--rounds', '1', '--warmup', '0', '--threads', '1'];

const CONVERSIONS: Readonly<Record<string, readonly string[]>> = {
  unilm: [
    ...['--config', `${MODELS}/qa-unilm/config.json`, '--vocab', `${MODELS}/qa-unilm/vocab.txt`],
    ...['--checkpoint', `${MODELS}/qa-unilm/best_model.weights`, '--model', 'bert', '--application', 'unilm'],
  ],
  mlm: [
    ...['--config', `${MODELS}/qa-mlm/config.json`, '--vocab', `${MODELS}/qa-mlm/vocab.txt`, '--with-mlm'],
    ...['--checkpoint', `${MODELS}/qa-mlm/best_model_tf.weights`, '--model', 'bert'],
  ],
  gpt2: [
    ...['--config', `${MODELS}/completion-gpt2/config.json`, '--checkpoint', `${MODELS}/completion-gpt2/model.ckpt`],
    ...['--vocab', `${MODELS}/completion-gpt2/chinese_vocab.model`, '--pre-tokenize', 'jieba', '--model', 'gpt2'],
    ...['--token-translate', '{"▃":"<cls>"}'],
  ],
  cloze: [
    ...['--model', 'cloze-bilstm', '--config', `${MODELS}/cloze-bilstm/model.config`],
    ...['--checkpoint', `${MODELS}/cloze-bilstm/tk/tk_highest.ckpt`],
  ],
};

describe('bench', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-bench-'));
    for (const [name, flags] of Object.entries(CONVERSIONS)) {
      const { code, stderr } = await callCli(['convert', ...flags, '--out', path.join(folder, name)]);
      assert.equal(code, 0, stderr);
    }
  });
  after(() => rm(folder, { recursive: true }));

  const bench = (name: string, ...flags: string[]) => callCli(['bench', path.join(folder, name), ...FAST, ...flags]);

  async function reportOf(name: string, ...flags: string[]): Promise<BenchReport> {
    const { code, stdout, stderr } = await bench(name, '--json', ...flags);
    assert.equal(code, 0, stderr);
    assert.equal(stderr, '');
    return JSON.parse(stdout);
  }

  async function measured(name: string, task: string, ...flags: string[]): Promise<TaskReport> {
    const { tasks } = await reportOf(name, '--task', task, ...flags);
    const [only, ...others] = tasks;
    assert.equal(others.length, 0);
    assert.ok(only !== undefined);
    assertConsistent(only);
    return only;
  }

  it('writes as many tokens as it is asked to, after prompts of the length it is asked for', async () => {
    for (const [name, task] of [
      ['unilm', 'chat'],
      ['unilm', 'complete'],
      ['gpt2', 'complete'],
    ] as const) {
      const lengths = ['--text-length', '41', '--new-tokens', '7', '--items', '3'];
      const found = await measured(name, task, ...lengths);
      assert.equal(found.promptTokens, 41, `${name} ${task}`);
      assert.equal(found.newTokens, 7);
      assert.equal(found.runsPerRequest, 7);
      assert.equal(found.paddingWaste, 0);
      assert.deepEqual(found.workload.sizes, { textLength: 41, newTokens: 7, beams: 1 });
      assert.equal(found.workload.requests, 3);
    }
  });

  it('holds readers to the same, whatever they would rather answer', async () => {
    const lengths = ['--passages', '3', '--passage-length', '30', '--question-length', '12', '--new-tokens', '5'];
    const greedy = await measured('unilm', 'answer', ...lengths);
    assert.equal(greedy.newTokens, 5);
    assert.equal(greedy.promptTokens, 3 * 42);
    // Keys and values of 128 numbers in 4 layers; the last token is never read.
    assert.ok(greedy.memory.cache >= 3 * (42 + 4 - 1) * 4 * 2 * 128 * 4);
    const beams = await measured('unilm', 'answer', ...lengths, '--beams', '3', '--workers', '1');
    assert.equal(beams.newTokens, 5);
    assert.equal(beams.workers, 1);
    assert.ok(beams.memory.cache >= greedy.memory.cache);
    const without = await measured('unilm', 'answer', ...lengths, '--cache', 'off');
    assert.equal(without.newTokens, 5);
    assert.equal(without.promptTokens, 3 * 42);
    assert.equal(without.memory.cache, 0);
    const masked = await measured('mlm', 'answer', ...lengths);
    assert.equal(masked.promptTokens, 3 * (42 + 5 + 2));
    assert.equal(masked.newTokens, null);
    assert.equal(masked.timeToFirstToken, null);
  });

  it('measures each task that a model serves in a process of its own', async () => {
    const { tasks, architecture, machine } = await reportOf('mlm', '--text-length', '20', '--items', '2');
    assert.deepEqual(
      tasks.map(({ task }) => task),
      ['answer', 'fill', 'embed'],
    );
    for (const task of tasks) assertConsistent(task);
    for (const { promptTokens } of tasks.slice(1)) assert.equal(promptTokens, 20);
    assert.equal(architecture, 'bert');
    assert.ok(machine.cores > 0);
  });

  it('counts padding of texts of many lengths, asked at once', async () => {
    const flags = ['--text-length', '60', '--spread', '0.8', '--items', '6', '--concurrency', '6'];
    const embed = await measured('mlm', 'embed', ...flags);
    assert.ok(embed.paddingWaste > 0);
    assert.ok(embed.promptTokens < 60);
    assert.ok(embed.runsPerRequest < 1, 'requests at once share runs');
    const cloze = await measured('cloze', 'cloze', '--text-length', '33');
    assert.equal(cloze.promptTokens, 33);
  });

  it('measures lines of a file, as the task reads them', async () => {
    const input = path.join(folder, 'texts.jsonl');
    await writeFile(input, '{"id":1,"text":"中国的[MASK]"}\n\n{"id":2,"text":"[MASK]"}\n');
    const found = await measured('mlm', 'fill', '--input', input);
    assert.equal(found.workload.source, 'file');
    assert.equal(found.workload.requests, 2);
    assert.equal(found.promptTokens, (6 + 3) / 2);
    assert.deepEqual(found.workload.sizes, {});
    await writeFile(input, '{"text":"中"}\nno json\n');
    const { code, stderr } = await bench('mlm', '--task', 'fill', '--input', input);
    assert.equal(code, 1);
    assert.match(stderr, /texts\.jsonl.*line 2/);
  });

  it('prints a table for people', async () => {
    const { code, stdout } = await bench('gpt2', '--task', 'complete', '--new-tokens', '2');
    assert.equal(code, 0);
    for (const row of [
      'latency p50 / p95',
      'first token p50 / p95',
      'padding waste',
      'peak memory',
      'cold: first answer',
    ])
      assert.ok(stdout.includes(row), row);
  });

  it('refuses what does not apply, with the reason', async () => {
    const refused: readonly (readonly [name: string, flags: readonly string[], reason: RegExp])[] = [
      ['mlm', ['--task', 'chat'], /the model can serve: answer, fill, embed; found chat \(.*an encoder/],
      ['cloze', ['--task', 'answer', '--task', 'cloze'], /the model can serve: cloze; found answer/],
      ['mlm', ['--task', 'answer', '--beams', '3'], /flags for answer.*--beams/],
      ['mlm', ['--beams', '3'], /flags for answer, fill, embed.*--beams/],
      ['mlm', ['--input', 'texts.jsonl'], /the one --task/],
      ['mlm', ['--input', 'texts.jsonl', '--passages', '3'], /made-up texts.*--passages/],
      ['mlm', ['--task', 'embed', '--text-length', '500'], /--text-length; expected 4 to 192/],
      ['unilm', ['--task', 'complete', '--new-tokens', '500'], /--text-length; expected room for 4/],
      ['mlm', ['--task', 'embed', '--concurrency', '5', '--items', '4'], /--concurrency; expected at most 4/],
      ['mlm', ['--task', 'embed', '--items', '0'], /--items; expected a whole number from 1 up/],
      ['mlm', ['--task', 'embed', '--spread', '1'], /--spread/],
      ['mlm', ['--task', 'sing'], /Choices/],
    ];
    for (const [name, flags, reason] of refused) {
      const { code, stdout, stderr } = await bench(name, ...flags);
      assert.match(stderr, reason);
      assert.equal(code, 2, stderr);
      assert.equal(stdout, '');
    }
  });

  it('reports what a process of its own refuses', async () => {
    const { code, stderr } = await bench('mlm', '--passage-length', '500');
    assert.equal(code, 2);
    assert.match(stderr, /--passage-length; expected 3 to/);
  });

  describe('made-up texts', () => {
    for (const [name, lengths] of [
      ['mlm', [3, 4, 64, 255]],
      ['gpt2', [2, 17, 128]],
    ] as const) {
      it(`have exact lengths and differ: ${name}`, async () => {
        const model: Model = await loadModel(path.join(folder, name));
        const { tokenizer } = model;
        assert.ok(tokenizer !== null);
        const measure = (text: string) => tokenizer.encode(text).tokenIds.length;
        const maker = createTextMaker(tokenizer, 0.5);
        for (const length of lengths) {
          const texts = [1, 2].map(() => maker.make(length, measure));
          assert.deepEqual(texts.map(measure), [length, length]);
          if (length > 16) assert.notEqual(texts[0], texts[1]);
        }
        const varied = Array.from({ length: 50 }, () => maker.vary(100, 60));
        assert.equal(Math.max(...varied), 100);
        assert.equal(Math.min(...varied), 60, 'the least comes first');
        await model.dispose();
      });
    }
  });
});

/** Everything is there, finite, and fits together. */
function assertConsistent(report: TaskReport): void {
  const { latency, timeToFirstToken, cold, memory, strategy } = report;
  for (const [name, value] of Object.entries(numbersIn(report))) {
    assert.ok(Number.isFinite(value) && value >= 0, `${name} is ${value}`);
  }
  for (const { p50, p95 } of [latency, ...(timeToFirstToken === null ? [] : [timeToFirstToken])]) {
    assert.ok(0 < p50 && p50 <= p95);
  }
  for (const time of [cold.load, cold.open, cold.first]) assert.ok(time > 0);
  assert.ok(report.requestsPerSecond > 0 && report.promptTokensPerSecond > 0);
  assert.ok(report.paddingWaste < 1);
  assert.ok(report.sessionShare > 0 && report.sessionShare <= 1, String(report.sessionShare));
  assert.ok(memory.opened > 2 ** 20 && memory.peak >= memory.opened);
  assert.equal(report.device, 'cpu');
  assert.notEqual(report.deviceReason, '');
  assert.equal(report.threads, 1);
  const writing = [timeToFirstToken, report.newTokens, report.newTokensPerSecond, strategy];
  assert.ok(writing.every(value => value === null) || writing.every(value => value !== null));
  assert.ok('decodeTokensPerSecond' in report);
}

/** All numbers of a report by their paths. */
function numbersIn(value: object, prefix = ''): Record<string, number> {
  return Object.entries(value).reduce<Record<string, number>>((all, [key, entry]) => {
    if (typeof entry === 'number') return Object.assign(all, { [prefix + key]: entry });
    return typeof entry === 'object' && entry !== null ? Object.assign(all, numbersIn(entry, `${prefix}${key}.`)) : all;
  }, {});
}
