import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createTextStream, streamText } from '../../src/tasks/text-stream.ts';
import { idOf, TOKENS, tableTokenizer } from './table-engine.ts';

const tokenizer = tableTokenizer();
const decode = (ids: readonly number[]): string => tokenizer.decode(ids);

function pieces(tokens: readonly string[]): string[] {
  const stream = createTextStream(decode);
  return [...tokens.map(token => stream.push([idOf(token)])), stream.end(decode(tokens.map(idOf)))];
}

describe('text stream', () => {
  it('tells each token when nothing can change it', () => {
    assert.deepEqual(pieces(['你', '好', '，', 'wor', '##ld', '1', '.', '2', '[SEP]']), [
      ...['你', '好', '，', 'wor', 'ld', ' 1', '.', '2', '', ''],
    ]);
  });

  it('holds a contraction back until another word follows', () => {
    assert.deepEqual(pieces(['it', "'", 's', 'x']), ['it', "'", '', 's x', '']);
    assert.deepEqual(pieces(['it', "'", 's']), ['it', "'", '', ' s']);
    assert.deepEqual(pieces(['it', "'", 'r', '##e', '好']), ['it', "'", '', '', ' re好', '']);
  });

  it('never takes anything back, however tokens arrive', () => {
    const tokens = fc.array(fc.nat({ max: TOKENS.length - 1 }), { maxLength: 30 });
    const tricky = fc.array(
      fc.constantFrom(...["'", 's', 're', 'r', '##e', 'm', '##s', 'x', '好', '.', '1', '-'].map(idOf)),
    );
    fc.assert(
      fc.property(fc.oneof(tokens, tricky), fc.array(fc.integer({ min: 1, max: 4 })), (ids, sizes) => {
        const stream = createTextStream(decode);
        let told = '';
        for (let at = 0, i = 0; at < ids.length; i++) {
          const size = sizes[i] ?? 1;
          told += stream.push(ids.slice(at, at + size));
          at += size;
        }
        assert.equal(told + stream.end(decode(ids)), decode(ids));
      }),
      { numRuns: 2000 },
    );
  });

  it('holds the bytes of a character back until it is whole', () => {
    const bytes = [...new TextEncoder().encode('a中𠀀')];
    const stream = createTextStream(ids => new TextDecoder().decode(Uint8Array.from(ids)));
    const told = bytes.map(byte => stream.push([byte]));
    assert.deepEqual(told, ['a', '', '', '中', '', '', '', '𠀀']);
    assert.equal(stream.end('a中𠀀'), '');
  });

  it('refuses a text that does not go on from what was told', () => {
    const stream = createTextStream(decode);
    stream.push([idOf('你')]);
    assert.throws(() => stream.end('好'), /begins with/);
  });

  it('passes on what the run throws', async () => {
    const failing = streamText(() => Promise.reject(new RangeError('no')), decode, undefined);
    await assert.rejects(failing.next(), RangeError);
  });
});
