/** JSON Lines: order, ids, errors on their own lines, several items at once, interruption. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import {
  answerLines,
  closingNotice,
  type JsonLine,
  processJsonLines,
  textField,
  textListField,
} from '../../src/cli/json-lines.ts';

describe('JSON Lines', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-lines-'));
  });
  after(() => rm(folder, { recursive: true }));

  async function run(
    text: string | Uint8Array,
    answer: (item: JsonLine) => Promise<object>,
    { concurrency = 3, signal = new AbortController().signal } = {},
  ) {
    const input = path.join(folder, 'input.jsonl');
    await writeFile(input, text);
    const lines: unknown[] = [];
    const write = (line: string) => void lines.push(JSON.parse(line));
    const summary = await processJsonLines({ input, answer, concurrency, signal, write });
    return { lines, summary };
  }

  it('keeps order and ids whatever takes longer, with no more under way than allowed', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(4), { maxLength: 12 }),
        fc.integer({ min: 1, max: 5 }),
        async (delays, concurrency) => {
          let [underWay, most] = [0, 0];
          const answer = async ({ wait }: JsonLine) => {
            most = Math.max(most, ++underWay);
            await new Promise(resolve => setTimeout(resolve, Number(wait)));
            underWay--;
            return { waited: wait };
          };
          const text = delays.map((wait, id) => JSON.stringify({ id, wait })).join('\n');
          const { lines } = await run(text, answer, { concurrency });
          assert.deepEqual(
            lines,
            delays.map((waited, id) => ({ id, waited })),
          );
          assert.ok(most <= concurrency);
        },
      ),
      { numRuns: 20 },
    ));

  it('has as many under way as allowed', async () => {
    let underWay = 0;
    let open: () => void = () => undefined;
    const allThere = new Promise<void>(resolve => {
      open = resolve;
    });
    // Nobody is done before the third has come, so fewer than three at once would never end.
    const answer = async () => {
      if (++underWay === 3) open();
      await allThere;
      return {};
    };
    const { lines } = await run('{}\n{}\n{}\n{}\n', answer, { concurrency: 3 });
    assert.equal(lines.length, 4);
  });

  it('puts errors on their own lines and answers the others', async () => {
    const text = '{"id":"a","text":"x"}\nnot json\n\n[1]\n{"id":"b"}\n{"text":"y"}\n';
    const { lines, summary } = await run(text, async item => ({ got: textField(item, 'text') }));
    assert.deepEqual(lines[0], { id: 'a', got: 'x' });
    assert.match((lines[1] as { error: string }).error, /^line 2: JSON; expected one object per line/);
    assert.deepEqual(lines[2], { error: 'line 4: JSON; expected an object; found [1]' });
    assert.deepEqual(lines[3], { id: 'b', error: 'field "text"; expected a string; found nothing' });
    assert.deepEqual(lines[4], { got: 'y' });
    assert.deepEqual(summary, { items: 5, failed: 3 });
  });

  it('takes a byte order mark, CRLF and U+2028 as JSON does', async () => {
    const text = '\uFEFF{"id":1,"text":"红楼"}\r\n\r\n{"id":2,"text":"a\u2028b\u2029c\u0085d"}\r\n';
    const { lines } = await run(text, async item => ({ got: textField(item, 'text') }));
    assert.deepEqual(lines, [
      { id: 1, got: '红楼' },
      { id: 2, got: 'a\u2028b\u2029c\u0085d' },
    ]);
    assert.deepEqual((await run('\uFEFF', async () => ({}))).lines, []);
  });

  it('refuses lines that are not UTF-8', async () => {
    const gbk = Buffer.from([0xba, 0xec]); // 红
    const text = Buffer.concat([Buffer.from('{"text":"a"}\n{"text":"'), gbk, Buffer.from('"}\n{"text":"红"}\n')]);
    const { lines, summary } = await run(text, async item => ({ got: textField(item, 'text') }));
    assert.deepEqual([lines[0], lines[2]], [{ got: 'a' }, { got: '红' }]);
    assert.match((lines[1] as { error: string }).error, /^line 2: text; expected UTF-8; found .*Save it as UTF-8\.$/);
    assert.equal(summary.failed, 1);
  });

  it('stops when interrupted, having written what came before', async () => {
    const controller = new AbortController();
    const answer = async ({ id }: JsonLine) => {
      if (id === 2) controller.abort();
      return {};
    };
    const text = '{"id":1}\n{"id":2}\n{"id":3}\n';
    await assert.rejects(run(text, answer, { concurrency: 1, signal: controller.signal }), /interrupt|abort/i);
  });

  it('says which file it can not read', async () => {
    const job = { answer: async () => ({}), concurrency: 1, signal: new AbortController().signal };
    const missing = path.join(folder, 'missing.jsonl');
    await assert.rejects(
      processJsonLines({ ...job, input: missing }),
      /missing\.jsonl: input; found no such file or folder \(ENOENT\)/,
    );
    await assert.rejects(processJsonLines({ ...job, input: folder }), /expected a file; found a folder/);
  });

  it('says how fast it was and how much was padding', () => {
    const counts = { runs: 3, rows: 940, paddedRows: 1000, sessionMilliseconds: 5 };
    assert.equal(closingNotice(240, 3100, counts), '240 lines in 3.1 s, 77/s; 1,000 tokens computed, 6.0 % padding');
    assert.equal(closingNotice(1, 400), '1 line in 0.4 s, 2.5/s');
    assert.equal(closingNotice(2, 1000, { ...counts, rows: 0, paddedRows: 0 }), '2 lines in 1.0 s, 2.0/s');
  });

  it('works on at least one line at once', async () => {
    const job = { answer: async () => ({}), signal: new AbortController().signal, input: 'any', json: false };
    for (const concurrency of [0, -1, 1.5]) {
      await assert.rejects(answerLines({ ...job, concurrency }), /concurrency; expected an integer of at least 1/);
    }
  });

  it('checks fields', () => {
    assert.deepEqual(textListField({ passages: ['a'] }, 'passages'), ['a']);
    assert.throws(() => textListField({ passages: ['a', 1] }, 'passages'), /expected a list of strings/);
  });
});
