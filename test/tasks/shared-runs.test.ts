/**
 * Calls at work at the same time share runs, and nobody can tell: vectors, masks and answers are those of calls one by one,
 * whatever the lengths, and whoever is aborted or refused meanwhile.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { AbortedError } from '../../src/core/errors.ts';
import type { RunCounts } from '../../src/generation/run-counts.ts';
import type { Model } from '../../src/model.ts';
import { createEmbedder } from '../../src/tasks/embed.ts';
import { createFillMask } from '../../src/tasks/fill-mask.ts';
import { createMlmReader } from '../../src/tasks/mlm-reader.ts';
import { exampleFile, openExample, readLines } from '../parity/example-models.ts';

const LENGTHS = { maxPassageLen: 128, maxQuestionLen: 32, maxAnswerLen: 8 };
const QUESTIONS = readLines(exampleFile('qa-mlm', 'examples.jsonl')) as readonly {
  readonly question: string;
  readonly passages: readonly string[];
}[];

/** Lengths and which of the calls are aborted: before they begin, or in the same turn as the others ask. */
const company = fc.array(
  fc.record({
    place: fc.nat(1000),
    length: fc.nat(120),
    aborted: fc.constantFrom('never', 'never', 'never', 'before', 'soon'),
  }),
  { minLength: 1, maxLength: 10 },
);
type Member = typeof company extends fc.Arbitrary<readonly (infer M)[]> ? M : never;

describe('calls that share runs', () => {
  let model: Model;
  let close: () => Promise<void>;
  before(async () => {
    ({ model, close } = await openExample('qa-mlm', { tasks: { answer: LENGTHS } }));
  });
  after(() => close());

  const textOf = ({ place, length }: Member) => {
    const text = QUESTIONS.flatMap(({ passages }) => passages).join('');
    return text.slice(place, place + length);
  };

  /** All calls at once beside each alone; those that were aborted are refused. */
  async function together(
    members: readonly Member[],
    ask: (member: Member, signal?: AbortSignal) => Promise<unknown>,
  ): Promise<void> {
    const asked = members.map(member => {
      const controller = new AbortController();
      if (member.aborted === 'before') controller.abort();
      const found = ask(member, controller.signal);
      if (member.aborted === 'soon') controller.abort();
      return found.then(
        value => ({ value, error: undefined }),
        (error: unknown) => ({ value: undefined, error }),
      );
    });
    for (const [i, member] of members.entries()) {
      const { value, error } = (await asked[i]) ?? assert.fail();
      if (member.aborted !== 'never') assert.ok(error instanceof AbortedError, String(error));
      else assertClose(value, await ask(member), 1e-5);
    }
  }

  it('embed', async () => {
    const embedder = await createEmbedder(model);
    const one = (pooling: 'cls' | 'mean') => (member: Member, signal?: AbortSignal) =>
      embedder.embed([textOf(member)], { pooling, signal }).then(({ vectors }) => vectors);
    await fc.assert(
      fc.asyncProperty(company, fc.constantFrom('cls', 'mean'), (members, pooling) => together(members, one(pooling))),
      { numRuns: 15 },
    );
    assertCounted(embedder.counts);
  });

  it('fill masks', async () => {
    const filler = await createFillMask(model);
    const one = (member: Member, signal?: AbortSignal) =>
      filler.fill(`${textOf(member)}[MASK]京[MASK]`, { topK: 1, signal }).then(({ masks }) => masks);
    await fc.assert(
      fc.asyncProperty(company, members => together(members, one)),
      { numRuns: 15 },
    );
    assertCounted(filler.counts);
  });

  it('answer questions', async () => {
    const reader = await createMlmReader(model);
    const one = async ({ place }: Member, signal?: AbortSignal) => {
      const { question, passages } = QUESTIONS[place % QUESTIONS.length] ?? assert.fail();
      const { answer, tokenIds, score, ranking } = await reader.answer(question, passages, { signal });
      return { answer, tokenIds, score, ranking };
    };
    await fc.assert(
      fc.asyncProperty(company, members => together(members, one)),
      { numRuns: 5 },
    );
    assertCounted(reader.counts);
  });

  it('need fewer runs than calls', async () => {
    const embedder = await createEmbedder(model);
    assert.equal(embedder.counts.runs, 0);
    const texts = ['北京', '大学', '北', '天气'];
    await Promise.all(texts.map(text => embedder.embed([text])));
    const { runs, rows, paddedRows } = embedder.counts;
    assert.deepEqual({ runs, rows, paddedRows }, { runs: 1, rows: 15, paddedRows: 16 });
  });

  it('are refused one by one', async () => {
    const { fill } = await createFillMask(model);
    const [good, long, none] = await Promise.allSettled([
      fill('[MASK]京'),
      fill(`[MASK]${'长'.repeat(300)}`),
      fill('京'),
    ]);
    assert.deepEqual([good.status, long.status, none.status], ['fulfilled', 'rejected', 'rejected']);
  });
});

function assertCounted({ runs, rows, paddedRows, sessionMilliseconds }: RunCounts): void {
  assert.ok(runs > 0 && rows > 0 && sessionMilliseconds > 0);
  assert.ok(paddedRows >= rows);
}

/** Equal, but for numbers, which may differ by `tolerance`. */
function assertClose(found: unknown, expected: unknown, tolerance: number): void {
  if (typeof expected === 'number' && typeof found === 'number') {
    assert.ok(Math.abs(found - expected) <= tolerance, `${found} and ${expected}`);
  } else if (typeof expected === 'object' && expected !== null && typeof found === 'object' && found !== null) {
    const wanted = Object.entries(expected);
    assert.deepEqual(
      Object.keys(found),
      wanted.map(([key]) => key),
    );
    for (const [key, value] of wanted) assertClose((found as Record<string, unknown>)[key], value, tolerance);
  } else assert.equal(found, expected);
}
