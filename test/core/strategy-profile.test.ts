import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  EMPTY_PROFILE,
  findEntry,
  formatProfile,
  type ProfileEntry,
  parseProfile,
  withEntry,
} from '../../src/core/strategy-profile.ts';

const ENTRY: ProfileEntry = {
  device: 'cpu',
  hardware: 'Abacus 9000',
  threads: 4,
  runtime: 'onnxruntime-node 1.30.0',
  tool: 'bert4ort 0.1.0',
  graph: { size: 1234, sha256: null },
  recomputeUpTo: 16,
  steps: [
    { tokens: 16, cached: 900, recomputed: 700 },
    { tokens: 64, cached: 950, recomputed: 2100 },
  ],
};

describe('strategy profile', () => {
  it('reads what it writes', () => {
    const text = fc.string();
    const plain = { noNullPrototype: true };
    const entry = fc.record(
      {
        device: text,
        hardware: text,
        threads: fc.nat(),
        runtime: text,
        tool: text,
        graph: fc.record({ size: fc.nat(), sha256: fc.option(text) }, plain),
        recomputeUpTo: fc.nat(),
        steps: fc.array(fc.record({ tokens: fc.nat(), cached: fc.nat(), recomputed: fc.nat() }, plain)),
      },
      plain,
    );
    fc.assert(
      fc.property(fc.array(entry), entries => {
        const profile = { ...EMPTY_PROFILE, entries };
        assert.deepEqual(parseProfile(formatProfile(profile)), profile);
      }),
    );
  });

  it('refuses what it does not know, naming the place', () => {
    const whole = { profileVersion: 1, entries: [ENTRY] };
    const refuses = (value: unknown, message: RegExp) =>
      assert.throws(
        () => parseProfile(typeof value === 'string' ? value : JSON.stringify(value)),
        (error: unknown) => {
          assert.ok(error instanceof Error && 'code' in error);
          assert.equal(error.code, 'FORMAT');
          assert.match(error.message, message);
          return true;
        },
      );
    refuses('{', /bert4ort\.profile\.json: JSON syntax/);
    refuses([], /expected/);
    refuses({ ...whole, profileVersion: 2 }, /\$\.profileVersion.*delete the file to measure anew/);
    refuses({ ...whole, extra: 1 }, /\$\.extra.*unknown field/);
    refuses({ ...whole, entries: [{ ...ENTRY, threads: -1 }] }, /\$\.entries\[0\]\.threads/);
    refuses(
      { ...whole, entries: [{ ...ENTRY, graph: { size: 1 } }] },
      /\$\.entries\[0\]\.graph\.sha256.*no such field/,
    );
    refuses({ ...whole, entries: [{ ...ENTRY, steps: [{ tokens: 1.5 }] }] }, /\$\.entries\[0\]\.steps\[0\]\.tokens/);
    refuses({ ...whole, entries: [{ ...ENTRY, recomputeUpTo: null }] }, /recomputeUpTo/);
  });

  it('finds an entry only where everything is as it was', () => {
    const profile = withEntry(EMPTY_PROFILE, ENTRY);
    assert.deepEqual(findEntry(profile, ENTRY), ENTRY);
    for (const other of [
      { device: 'cuda' },
      { hardware: 'Abacus 9001' },
      { threads: 2 },
      { runtime: 'onnxruntime-node 1.31.0' },
      { tool: 'bert4ort 0.2.0' },
      { graph: { size: 1235, sha256: null } },
      { graph: { size: 1234, sha256: 'f'.repeat(64) } },
    ]) {
      assert.equal(findEntry(profile, { ...ENTRY, ...other }), undefined, JSON.stringify(other));
    }
  });

  it('replaces what is out of date, and keeps other machines', () => {
    const elsewhere = { ...ENTRY, hardware: 'Slide rule' };
    const newer = { ...ENTRY, runtime: 'onnxruntime-node 1.31.0', recomputeUpTo: 0 };
    const profile = withEntry(withEntry(withEntry(EMPTY_PROFILE, ENTRY), elsewhere), newer);
    assert.deepEqual(profile.entries, [elsewhere, newer]);
  });
});
