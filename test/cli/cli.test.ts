/** The command line end to end, in processes of its own: help, misuse, conversion, verification, tokens. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { callCli, jsonLines, runCli } from './run-cli.ts';

const MLM = 'examples/models/qa-mlm';
const CASES = 'test/fixtures/cases';
const CASE = `${CASES}/nezha-chat-recipe`;

describe('bert4ort', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-cli-'));
  });
  after(() => rm(folder, { recursive: true }));

  it('lists its commands and their flags', async () => {
    const [help, convert] = [await runCli(['--help']), await callCli(['convert', '--help'])];
    assert.equal(help.code, 0);
    for (const name of ['convert', 'inspect', 'verify', 'tokenize']) assert.match(help.stdout, new RegExp(name));
    for (const flag of ['--with-mlm', '--keep-tokens', '--link']) assert.match(convert.stdout, new RegExp(flag));
    assert.equal(help.stderr + convert.stderr, '');
  });

  it('exits with 2 when misused, and says how', async () => {
    const misuses: readonly [args: string[], message: RegExp][] = [
      [[], /Name a command/],
      [['convert', '--out', 'x'], /expected --config, --checkpoint, --out; found only --out/],
      [['convret'], /Unknown command: convret\. Did you mean convert\?\nSee "bert4ort --help"/],
      [['inspect', 'x', '--nope'], /Unknown option: --nope\nSee "bert4ort inspect --help"/],
      [['inspect', 'x', '--with-mml'], /Unknown option: --with-mml\. Did you mean --with-mlm\?/],
      [['verify'], /Missing argument: bert4ort verify <model>/],
      [['verify', 'x', 'y'], /One argument too many for "bert4ort verify <model>": y/],
      [['complete', 'x', '--top-k', 'many'], /Not a number: --top-k/],
      [['verify', 'x', '--device', 'a', '--device', 'b'], /device/],
      [['tokenize', `${MLM}/vocab.txt`], /expected texts, or --input FILE/],
      [['tokenize', `${MLM}/vocab.txt`, 'a', '--token-translate', '{"a":"b"}'], /does not apply to a vocab.txt/],
      [['inspect', `${MLM}/best_model.weights`, '--plan', 'bert'], /--config FILE/],
    ];
    for (const [args, message] of misuses) {
      const { code, stdout, stderr } = await callCli(args);
      assert.match(stderr, message);
      assert.equal(code, 2, args.join(' '));
      assert.equal(stdout, '');
    }
  });

  it('exits with 1 when something fails, and says what in words or as JSON', async () => {
    const plain = await runCli(['inspect', 'nothing']);
    const json = await callCli(['inspect', 'nothing', '--json']);
    assert.equal(plain.code, 1);
    assert.match(plain.stderr, /^bert4ort: nothing: checkpoint; expected a file/);
    assert.equal(json.code, 1);
    assert.equal(JSON.parse(json.stderr).code, 'IO');
    assert.equal(plain.stdout + json.stdout, '');
  });

  it('inspects a cloze reader, whose configuration is a pickle', async () => {
    const place = 'examples/models/cloze-bilstm';
    const files = [`${place}/tk/tk_highest.ckpt`, '--config', `${place}/model.config`];
    const { code, stdout } = await callCli(['inspect', ...files, '--json']);
    assert.equal(code, 0);
    assert.deepEqual(
      JSON.parse(stdout).fits.map(({ keywords, problems }: { keywords: object; problems: number }) => [
        keywords,
        problems,
      ]),
      [[{ model: 'cloze-bilstm' }, 0]],
    );
  });

  it('names a configuration that is none as the user did', async () => {
    const files = ['--config', `${MLM}/vocab.txt`, '--checkpoint', `${MLM}/best_model_tf.weights`];
    const { code, stderr } = await callCli(['convert', ...files, '--model', 'bert', '--out', `${folder}/none`]);
    assert.equal(code, 1);
    assert.match(stderr, /qa-mlm\/vocab\.txt: configuration; expected a JSON object in UTF-8/);
  });

  it('inspects a checkpoint: names, types, architectures that fit, and the weight map', async () => {
    const checkpoint = `${MLM}/best_model_tf.weights`;
    const config = ['--config', `${MLM}/config.json`, '--json'];
    const [fits, plan] = [
      await callCli(['inspect', checkpoint, ...config]),
      await callCli(['inspect', checkpoint, ...config, '--plan', 'bert', '--with-mlm', '--with-pool']),
    ];
    const found = JSON.parse(fits.stdout);
    assert.equal(found.format, 'tf-bundle');
    assert.equal(found.tensors.length, 74);
    assert.deepEqual(found.fits[0], {
      keywords: { model: 'bert', with_mlm: true },
      scheme: 'tf.keras object graph',
      problems: 0,
      unused: 0,
    });
    assert.equal(plan.code, 1, 'this checkpoint has no pooler');
    const map = JSON.parse(plan.stdout).plan;
    assert.equal(map.problems.length, 2);
    assert.equal(map.weights[0].tensor, 'layer_with_weights-0/embeddings/.ATTRIBUTES/VARIABLE_VALUE');
  });

  it('converts, inspects, verifies and tokenizes', async () => {
    const model = path.join(folder, 'mlm');
    const converted = await callCli([
      ...['convert', '--config', `${MLM}/config.json`, '--checkpoint', `${MLM}/best_model.weights`],
      ...['--vocab', `${MLM}/vocab.txt`, '--model', 'bert', '--with-mlm', '--out', model, '--json'],
    ]);
    assert.equal(converted.code, 0, converted.stderr);
    assert.equal(JSON.parse(converted.stdout).scheme, 'Keras layer names');
    const [inspected, verified, tokens] = await Promise.all([
      callCli(['inspect', model]),
      runCli(['verify', model, '--threads', '1']),
      runCli(
        ['tokenize', model, '--input', '-'],
        '{"id":1,"text":"今天 2016年"}\nx\n{"id":2,"text":"a","second":"b"}\n',
      ),
    ]);
    assert.match(inspected.stdout, /bert, application encoder[\s\S]*token_type_ids[\s\S]*logit_rows/);
    assert.match(inspected.stdout, /onnx\/model\.onnx_data .*\d,\d+ .*not recorded/);
    assert.equal(verified.code, 0, verified.stdout);
    assert.match(verified.stdout, /by size only: onnx\/model\.onnx_data/);
    assert.match(verified.stdout, /read against model .* apart over 12 tokens/);
    assert.match(verified.stdout, /3 passed, 0 failed/);
    assert.equal(tokens.code, 1, 'one line is bad');
    const [first, bad, pair] = jsonLines(tokens.stdout);
    assert.deepEqual(first?.['tokens'], ['[CLS]', '今', '天', '2016', '年', '[SEP]']);
    assert.deepEqual(first?.['offsets'], [null, [0, 1], [1, 2], [3, 7], [7, 8], null]);
    assert.match(String(bad?.['error']), /^line 2: JSON/);
    assert.deepEqual(pair?.['segment_ids'], [0, 0, 0, 1, 1]);
  });

  it('verifies a model that was built for one length', async () => {
    const model = path.join(folder, 'one-length');
    await callCli([
      ...['convert', '--config', `${MLM}/config.json`, '--checkpoint', `${MLM}/best_model.weights`, '--out', model],
      ...['--model', 'bert', '--with-mlm', '--sequence-length', '20'],
    ]);
    const verified = await callCli(['verify', model, '--threads', '1']);
    assert.match(verified.stdout, /read against model .* apart over 20 tokens[\s\S]*3 passed, 0 failed/);
  });

  it('records hashes of weights while converting, or later', async () => {
    const [model, other] = [path.join(folder, 'later'), path.join(folder, 'at-once')];
    await convertCase(model);
    await convertCase(other, { more: ['--sha256'] });
    const recorded = await callCli(['verify', model, '--write-hashes', '--threads', '1']);
    assert.match(recorded.stdout, /recorded: onnx\/model\.onnx_data/);
    assert.match((await callCli(['inspect', model])).stdout, /onnx\/model\.onnx_data .* [0-9a-f]{64} /);
    const [manifest, expected] = await Promise.all(
      [model, other].map(directory => readFile(path.join(directory, 'bert4ort.json'), 'utf8')),
    );
    assert.equal(manifest, expected);
    const again = await callCli(['verify', model, '--write-hashes', '--json', '--threads', '1']);
    assert.match(again.stdout, /all there already/);
    assert.doesNotMatch(again.stdout, /by size only/);
  });

  it('replays recordings of the reference: of a model, of both halves of one, of a discriminator', async () => {
    for (const name of ['nezha-chat-recipe', 'mt5-keep-tokens', 'electra-discriminator']) {
      const [model, place] = [path.join(folder, name), `${CASES}/${name}`];
      const { code, stderr } = await convertCase(model, { place });
      assert.equal(code, 0, stderr);
      const replayed = await callCli(['verify', model, '--cases', `${place}/case.json`, '--json', '--threads', '1']);
      const { passed, failed, checks } = JSON.parse(replayed.stdout);
      assert.equal(failed, 0, JSON.stringify(checks));
      const recorded = JSON.parse(await readFile(`${place}/case.json`, 'utf8'));
      assert.ok(passed >= recorded.runs.length + (recorded.decode?.length ?? 0) + 2);
    }
  });

  it('leaves nothing behind when a conversion fails', async () => {
    const out = path.join(folder, 'failed');
    const { code, stderr } = await callCli([
      ...['convert', '--config', `${MLM}/config.json`, '--checkpoint', `${MLM}/best_model.weights`],
      ...['--model', 'bert', '--with-pool', '--out', out],
    ]);
    assert.equal(code, 1);
    assert.match(stderr, /Pooler-Dense/);
    assert.deepEqual(
      (await readdir(folder)).filter(name => name.includes('failed')),
      [],
    );
  });
});

/** Converts the recorded case with its recorded keywords. */
async function convertCase(
  out: string,
  { place = CASE, more = [] }: { place?: string; more?: readonly string[] } = {},
) {
  const { build, checkpoint } = JSON.parse(await readFile(`${place}/case.json`, 'utf8'));
  const keywords = Object.entries(build).flatMap(([name, value]) => ['--keyword', `${name}=${JSON.stringify(value)}`]);
  const files = ['--config', `${place}/config.json`, '--checkpoint', `${place}/${checkpoint.path}`];
  return callCli(['convert', ...files, ...keywords, '--out', out, ...more]);
}
