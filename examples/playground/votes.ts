/**
 * A small picture of how passages answered: each with what it says and how sure it is, the answer marked where it stands.
 */
import { type Answer, type Model, tokenizerOf } from '../../src/web.ts';
import { make, makeWord } from './elements.ts';
import { say } from './language.ts';

interface Vote {
  readonly says: string;
  readonly probability: number;
  readonly kept: boolean;
}

/** One entry a passage; a bar is as long as the passage is sure. */
export function votesPicture(answer: Answer, passages: readonly string[], model: Model): HTMLElement {
  const title = makeWord('figcaption', '', answer.kind === 'seq2seq' ? 'votesFirst' : 'votesWhole');
  const list = make(
    'ol',
    'votes',
    ...votesOf(answer, model).map((vote, i) => entry(vote, i, answer, passages[i] ?? '')),
  );
  return make('figure', '', title, list);
}

function votesOf(answer: Answer, model: Model): readonly Vote[] {
  if (answer.kind === 'mlm') {
    return answer.passages.map(one => ({ says: one.answer, probability: one.score, kept: one.answer !== '' }));
  }
  const tokenizer = tokenizerOf(model);
  return answer.passages.map(({ tokenId, probability, kept }) => {
    return { says: tokenizer.decode([tokenId]), probability, kept };
  });
}

function entry({ says, probability, kept }: Vote, i: number, answer: Answer, passage: string): HTMLElement {
  const percent = `${(probability * 100).toFixed(0)} %`;
  const filled = make('span', '');
  filled.style.inlineSize = `${probability * 100}%`;
  const bar = make('span', 'bar', filled);
  bar.ariaHidden = 'true';
  const said = kept ? make('b', 'says', says) : makeWord('b', 'says', 'dropped');
  if (kept) said.lang = 'zh-CN';
  const heading = make('span', 'vote-head', make('span', 'vote-number', `${say('passage')} ${i + 1}`), said, percent);
  return make('li', kept ? 'vote' : 'vote dropped', heading, bar, marked(passage, i, answer));
}

/** The passage with the answer marked where it stands. */
function marked(passage: string, index: number, { spans }: Answer): HTMLElement {
  const text = make('span', 'passage');
  text.lang = 'zh-CN';
  let done = 0;
  for (const { start, end } of spans.filter(span => span.passage === index && span.start >= done)) {
    text.append(passage.slice(done, start), make('mark', '', passage.slice(start, end)));
    done = end;
  }
  text.append(passage.slice(done));
  return text;
}
