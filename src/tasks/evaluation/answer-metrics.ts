/**
 * How good answers are: exact match and F1 of the two evaluation scripts that users of Chinese reading comprehension know.
 * `cmrc` is CMRC 2018's (longest common run of segments), `webqa` is SogouQA's, also used for WebQA (bag of characters).
 * https://github.com/ymcui/cmrc2018/blob/5c81039ef856de178b5198391b3cd40f4e5e8514/squad-style-data/cmrc2018_evaluate.py
 * https://github.com/bojone/dgcnn_for_reading_comprehension/blob/ef08505563cd98719dcda4314e5786cb901a6aa2/evaluate_tool/evaluate.py
 */
import { strip } from '../../tokenizers/text/python-string.ts';
import { treebankWords } from './treebank-words.ts';

/** Which script's rules. */
export type AnswerMetric = 'cmrc' | 'webqa';

/** Scores of one answer, each from 0 to 1. */
export interface AnswerScore {
  readonly exactMatch: number;
  readonly f1: number;
}

/** Averages over many answers. */
export interface Evaluation extends AnswerScore {
  readonly count: number;
}

/**
 * Scores an answer against the acceptable ones; the best of them counts. Neither script knows questions without an answer:
 * here an empty truth is met, fully, by an empty answer alone.
 */
export function scoreAnswer(answer: string, truths: readonly string[], metric: AnswerMetric): AnswerScore {
  const score = metric === 'cmrc' ? scoreCmrc : scoreWebQa;
  const unanswered = { exactMatch: 1, f1: 1 };
  const scores = truths.map(truth => (truth === '' && answer === '' ? unanswered : score(answer, truth)));
  return {
    exactMatch: Math.max(0, ...scores.map(({ exactMatch }) => exactMatch)),
    f1: Math.max(0, ...scores.map(({ f1 }) => f1)),
  };
}

/** Averages scores; an empty list gives zeros. */
export function averageScores(scores: readonly AnswerScore[]): Evaluation {
  const mean = (pick: (score: AnswerScore) => number) =>
    scores.length === 0 ? 0 : scores.reduce((sum, score) => sum + pick(score), 0) / scores.length;
  return { exactMatch: mean(score => score.exactMatch), f1: mean(score => score.f1), count: scores.length };
}

// '……' is two characters in CMRC's list, so it never equals one; a single '…' is therefore not dropped.
const CMRC_PUNCTUATION = new Set([...'-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』']);

function scoreCmrc(answer: string, truth: string): AnswerScore {
  const normal = (text: string) => withoutPunctuation(text).join('');
  const exactMatch = normal(answer) === normal(truth) ? 1 : 0;
  const found = segmentMixed(answer);
  const wanted = segmentMixed(truth);
  return { exactMatch, f1: harmonicMean(longestCommonRun(wanted, found), found.length, wanted.length) };
}

function withoutPunctuation(text: string): string[] {
  return [...strip(text.toLowerCase())].filter(char => !CMRC_PUNCTUATION.has(char));
}

/** Han characters one by one, runs of other text as Treebank words. */
function segmentMixed(text: string): string[] {
  const segments: string[] = [];
  let run = '';
  for (const char of withoutPunctuation(text)) {
    if (/[\u4e00-\u9fa5]/.test(char)) {
      segments.push(...treebankWords(run), char);
      run = '';
    } else {
      run += char;
    }
  }
  return [...segments, ...treebankWords(run)];
}

/** Length of the longest run of equal segments in both lists. */
function longestCommonRun(left: readonly string[], right: readonly string[]): number {
  let longest = 0;
  let previous = new Array<number>(right.length + 1).fill(0);
  for (const segment of left) {
    const current = right.map((other, j) => (segment === other ? (previous[j] ?? 0) + 1 : 0));
    longest = Math.max(longest, ...current);
    previous = [0, ...current];
  }
  return longest;
}

/** The script works on bytes: its letters and its white space are ASCII's, in the answer as in the truth. */
function scoreWebQa(given: string, truth: string): AnswerScore {
  const answer = strip(given, ' \t\n\r\v\f');
  if (answer === '') return { exactMatch: 0, f1: 0 };
  const found = normalizeWebQa(answer);
  const wanted = normalizeWebQa(truth);
  const exactMatch = found === wanted || sameWords(answer, truth) ? 1 : 0;
  const remaining = [...wanted];
  let common = 0;
  for (const char of found) {
    const index = remaining.indexOf(char);
    if (index < 0) continue;
    remaining.splice(index, 1);
    common++;
  }
  return { exactMatch, f1: harmonicMean(common, [...found].length, [...wanted].length) };
}

/** Full-width to half-width, lower case, punctuation and blanks dropped. */
function normalizeWebQa(text: string): string {
  return dropPunctuation(asciiLower(toHalfWidth(text))).replace(/[\t-\r ]+/g, '');
}

function asciiLower(text: string): string {
  return text.replace(/[A-Z]+/g, letters => letters.toLowerCase());
}

function toHalfWidth(text: string): string {
  const narrow = (char: string) => String.fromCodePoint((char.codePointAt(0) ?? 0) - 0xfee0);
  return text.replaceAll('\u3000', ' ').replace(/[\uff01-\uff5e]/g, narrow);
}

// The script's own list, which is neither Unicode's punctuation nor its symbols.
const WEBQA_PUNCTUATION = new Set([
  ...'`^~<=>|_-,;:!?/.\'"()[]{}@$*\\&#%+…‰※•—‖‘’“”№←↑→↓∴∨∵∶∩∈∑√∞≯≡≮≤≥≈≌⊥⊙⌒□◆◇◎●★☆♀♂¨°·§¤±\u3000',
  ...'、。〃々〈〉《》「」『』【】〓〔〕〖〗÷×′▲″△∠≠■ˇˉ￣￥＿！＄（），．：；？～﹑￠',
]);

function dropPunctuation(text: string): string {
  return [...text].map(char => (WEBQA_PUNCTUATION.has(char) ? ' ' : char)).join('');
}

/** Answers that list the same words in another order are equal. */
function sameWords(left: string, right: string): boolean {
  const words = (text: string) => new Set(dropPunctuation(text).split(' ').map(normalizeWebQa));
  const [a, b] = [words(left), words(right)];
  return a.size === b.size && [...a].every(word => b.has(word));
}

function harmonicMean(common: number, found: number, wanted: number): number {
  if (common === 0) return 0;
  const precision = common / found;
  const recall = common / wanted;
  return (2 * precision * recall) / (precision + recall);
}
