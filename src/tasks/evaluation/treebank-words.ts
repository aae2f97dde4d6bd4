/**
 * Splits Latin text into words as NLTK's Penn Treebank tokenizer does; the CMRC 2018 metric counts those words. Rules of
 * nltk/tokenize/destructive.py (NLTKWordTokenizer), NLTK 3.10.4:
 * https://github.com/nltk/nltk/blob/3.10.4/nltk/tokenize/destructive.py
 */

type Rule = readonly [pattern: RegExp, replacement: string];

/** Python's `\w`, of all scripts. */
const WORD = String.raw`[\p{L}\p{N}_]`;

const STARTING_QUOTES: readonly Rule[] = [
  [/([«“‘„]|`+)/g, ' $1 '],
  [/^"/g, '``'],
  [/(``)/g, ' $1 '],
  [/([ ([{<])("|'{2})/g, '$1 `` '],
  [new RegExp(`(?<!${WORD})'(?!(?:re|ve|ll|m|t|s|d|n)(?!${WORD}))(?=${WORD})`, 'giu'), "' "],
];

const PUNCTUATION: readonly Rule[] = [
  [/([^.])(\.)([\])}>"'»”’ ]*)\s*$/g, '$1 $2 $3 '],
  [/([:,])(\P{Nd})/gu, ' $1 $2'],
  [/([:,])$/g, ' $1 '],
  [/\.{2,}/g, ' $& '],
  [/[;@#$%&]/g, ' $& '],
  [/[\u2012-\u2015]/g, ' $& '],
  [/([^.])(\.)([\])}>"']*)\s*$/g, '$1 $2$3 '],
  [/[?!]/g, ' $& '],
  [/([^'])' /g, "$1 ' "],
  [/[*]/g, ' $& '],
];

const BRACKETS_AND_DASHES: readonly Rule[] = [
  [/[\][(){}<>]/g, ' $& '],
  [/--/g, ' -- '],
];

const ENDING_QUOTES: readonly Rule[] = [
  [/([»”’])/g, ' $1 '],
  [/''/g, " '' "],
  [/"/g, " '' "],
  [/\s+/g, ' '],
  [/([^' ])('[sS]|'[mM]|'[dD]|') /g, '$1 $2 '],
  [/([^' ])('ll|'LL|'re|'RE|'ve|'VE|n't|N'T) /g, '$1 $2 '],
];

const CONTRACTIONS: readonly Rule[] = [
  ...['(can)(not)', "(d)('ye)", '(gim)(me)', '(gon)(na)', '(got)(ta)', '(lem)(me)', "(more)('n)"].map(ofWholeWord),
  [new RegExp(`(?<!${WORD})(wan)(na)(?=\\s)`, 'giu'), ' $1 $2 '],
  [new RegExp(` ('t)(is|was)(?!${WORD})`, 'giu'), ' $1 $2 '],
];

function ofWholeWord(parts: string): Rule {
  return [new RegExp(`(?<!${WORD})${parts}(?!${WORD})`, 'giu'), ' $1 $2 '];
}

/** The words of one sentence of Latin text. */
export function treebankWords(text: string): string[] {
  const opened = applyRules(text, [...STARTING_QUOTES, ...PUNCTUATION, ...BRACKETS_AND_DASHES]);
  const closed = applyRules(` ${opened} `, [...ENDING_QUOTES, ...CONTRACTIONS]);
  return closed.split(/\s+/).filter(word => word !== '');
}

function applyRules(text: string, rules: readonly Rule[]): string {
  return rules.reduce((current, [pattern, replacement]) => current.replace(pattern, replacement), text);
}
