/** `answer`, `fill` and `embed`: the reference's answers through convert → verify → answer, scores, vectors. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { answerRepl } from '../../src/cli/answer.ts';
import { loadModel } from '../../src/node.ts';
import { createReader } from '../../src/tasks/reader.ts';
import { callCli, jsonLines } from './run-cli.ts';

const MODELS = 'examples/models';

describe('commands that read', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-reading-'));
    for (const [name, checkpoint, application] of [
      ['qa-unilm', 'best_model.weights', 'unilm'],
      ['qa-mlm', 'best_model_tf.weights', 'encoder'],
    ] as const) {
      const { code, stderr } = await callCli([
        ...['convert', '--config', `${MODELS}/${name}/config.json`, '--vocab', `${MODELS}/${name}/vocab.txt`],
        ...['--checkpoint', `${MODELS}/${name}/${checkpoint}`, '--model', 'bert', '--application', application],
        ...['--max-passage-len', '128', '--max-question-len', '32', '--max-answer-len', '16'],
        ...['--with-mlm', '--out', path.join(folder, name)],
      ]);
      assert.equal(code, 0, stderr);
    }
  });
  after(() => rm(folder, { recursive: true }));

  async function goldens(name: string, mode: string) {
    const all = jsonLines(await readFile(`${MODELS}/${name}/goldens.jsonl`, 'utf8'));
    return new Map(
      all.filter(line => line['mode'] === mode && (line['topk'] ?? 1) === 1).map(line => [line['id'], line]),
    );
  }

  it('answers as the reference does, with the lengths that convert was given', async () => {
    const input = ['--input', `${MODELS}/qa-unilm/examples.jsonl`, '--threads', '1'];
    for (const mode of ['extractive', 'generative']) {
      const { code, stdout } = await callCli(['answer', path.join(folder, 'qa-unilm'), ...input, '--mode', mode]);
      assert.equal(code, 0);
      const wanted = await goldens('qa-unilm', mode);
      for (const { id, answer, token_ids } of jsonLines(stdout)) {
        assert.deepEqual(
          { answer, ids: token_ids },
          { answer: wanted.get(id)?.['answer'], ids: wanted.get(id)?.['ids'] },
        );
      }
    }
  });

  it('reports exact match and F1', async () => {
    const input = ['--input', `${MODELS}/qa-mlm/examples.jsonl`, '--metric', 'webqa', '--json', '--threads', '1'];
    const { code, stdout, stderr } = await callCli(['answer', path.join(folder, 'qa-mlm'), ...input]);
    assert.equal(code, 0);
    const wanted = await goldens('qa-mlm', 'mlm');
    const lines = jsonLines(stdout);
    for (const { id, answer } of lines) assert.equal(answer, wanted.get(id)?.['answer']);
    const mean = lines.reduce((sum, line) => sum + Number(line['exact_match']), 0) / lines.length;
    const summary = JSON.parse(stderr);
    assert.equal(summary.count, 60);
    assert.ok(Math.abs(summary.exact_match - mean) < 1e-12);
  });

  it('scores against truths in a file of their own', async () => {
    const [input, truths] = [path.join(folder, 'asked.jsonl'), path.join(folder, 'truths.jsonl')];
    const { stdout } = await callCli([
      'answer',
      path.join(folder, 'qa-mlm'),
      '--input',
      `${MODELS}/qa-mlm/examples.jsonl`,
    ]);
    const [first, second] = jsonLines(stdout);
    const lines = jsonLines(await readFile(`${MODELS}/qa-mlm/examples.jsonl`, 'utf8')).slice(0, 3);
    const asked = lines.map(({ id, question, passages }) => ({ id, question, passages }));
    await writeFile(input, asked.map(line => JSON.stringify(line)).join('\n'));
    const known = [
      { id: first?.['id'], answers: [first?.['answer'], '别的'] },
      { id: second?.['id'], answers: '不是' },
    ];
    const run = () => callCli(['answer', path.join(folder, 'qa-mlm'), '--input', input, '--truth', truths]);
    await writeFile(truths, `${known.map(line => JSON.stringify(line)).join('\n')}\n\n`);
    const { code, stdout: scored, stderr } = await run();
    assert.equal(code, 1);
    const [right, wrong, untold] = jsonLines(scored);
    assert.deepEqual([right?.['exact_match'], wrong?.['exact_match']], [1, 0]);
    assert.match(String(untold?.['error']), /truth of id .*; expected a line with this id/);
    assert.match(stderr, /exact match 50\.00 %/);
    await writeFile(truths, `${JSON.stringify(known[0])}\n`.repeat(2));
    assert.match((await run()).stderr, /truths\.jsonl, line 2: id .*; found a second time/);
    await writeFile(truths, '[]\n');
    assert.match((await run()).stderr, /expected an object with "id"/);
  });

  it('refuses what a masked model can not do', async () => {
    const input = path.join(folder, 'one.jsonl');
    await writeFile(input, '{"id":1,"question":"谁","passages":["他"]}\n{"id":2,"question":"谁","passages":[]}\n');
    const { code, stdout } = await callCli(['answer', path.join(folder, 'qa-mlm'), '--input', input, '--top-k', '3']);
    assert.equal(code, 1);
    assert.match(String(jsonLines(stdout)[0]?.['error']), /topK/);
    const cached = await callCli(['answer', path.join(folder, 'qa-mlm'), '--input', input, '--cache', 'on']);
    assert.equal(cached.code, 1);
    assert.match(cached.stderr, /option cache; expected none: a masked model computes each passage once; found on/);
  });

  it('answers in a terminal over passages added as one goes', async () => {
    const model = await loadModel(path.join(folder, 'qa-unilm'), { session: { threads: 1 } });
    try {
      let written = '';
      const repl = answerRepl(await createReader(model), {}, text => {
        written += text;
      });
      const { signal } = new AbortController();
      await assert.rejects(repl.handle('罗洛·凯罗出生在哪里？', signal), /passages; expected at least one/);
      repl.commands['passage']?.run('罗洛·凯罗出生于吉乌区；她曾就读于色天师范大学。');
      await repl.handle('罗洛·凯罗出生在哪里？', signal);
      assert.equal(written, '吉乌区\n');
    } finally {
      await model.dispose();
    }
  });

  it('fills masks of second texts', async () => {
    const input = path.join(folder, 'pairs.jsonl');
    await writeFile(input, '{"id":1,"text":"今天[MASK]气","second":"很[MASK]"}\n{"id":2,"text":"[MASK]","second":1}\n');
    const { code, stdout } = await callCli(['fill', path.join(folder, 'qa-mlm'), '--input', input, '--threads', '1']);
    assert.equal(code, 1);
    const [pair, wrong] = jsonLines(stdout);
    assert.deepEqual(Object.keys(pair ?? {}), ['id', 'text', 'second', 'masks']);
    assert.equal((Object(pair).masks as unknown[]).length, 2);
    assert.match(String(wrong?.['error']), /field "second"; expected a string; found 1/);
  });

  it('fills masks and embeds texts', async () => {
    const input = path.join(folder, 'texts.jsonl');
    await writeFile(input, '{"id":1,"text":"今天[MASK]气"}\n');
    const model = path.join(folder, 'qa-mlm');
    const filled = await callCli([
      'fill',
      model,
      '--input',
      input,
      '--top-k',
      '2',
      '--targets',
      '天',
      '地',
      '--threads',
      '1',
    ]);
    const masks = jsonLines(filled.stdout)[0]?.['masks'] as { token: string }[][];
    assert.deepEqual(masks[0]?.map(({ token }) => token).toSorted(), ['地', '天'].toSorted());
    const embedded = await callCli(['embed', model, '--input', input, '--normalize', '--threads', '1']);
    assert.match(embedded.stderr, /^1 line in \d+\.\d s, [\d.]+\/s; 11 tokens computed, 0\.0 % padding\n$/);
    const silent = await callCli(['embed', model, '--input', input, '--json', '--threads', '1']);
    assert.equal(silent.stderr, '');
    const vector = jsonLines(embedded.stdout)[0]?.['embedding'] as number[];
    assert.equal(vector.length, 128);
    assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-5);
  });
});
