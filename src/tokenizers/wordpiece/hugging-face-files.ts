/**
 * The files by which Hugging Face's libraries know a tokenizer, for a WordPiece vocabulary: `tokenizer.json` (the Rust and
 * JavaScript tokenizers), `tokenizer_config.json` and `special_tokens_map.json` (transformers). They tokenize as Google's
 * BERT does; where that is not what bert4keras does is listed in docs/tokenizers.md.
 * Format: https://github.com/huggingface/tokenizers/blob/v0.20.0/tokenizers/src/tokenizer/serialization.rs
 */
import type { Json } from '../../core/manifest.ts';
import type { TokenDict } from '../vocabulary.ts';
import type { WordPieceOptions } from './wordpiece-tokenizer.ts';

/** Contents of the files by name, as JSON text. */
export type HuggingFaceFiles = Readonly<
  Record<'tokenizer.json' | 'tokenizer_config.json' | 'special_tokens_map.json', string>
>;

/** What the files say; `maxPositions` becomes `model_max_length`. */
export type HuggingFaceOptions = Pick<WordPieceOptions, 'doLowerCase' | 'wordMaxLen' | 'tokenStart' | 'tokenEnd'> & {
  /** Longest sequence of the model, when it has a limit. */
  readonly maxPositions?: number;
};

/** A part of the template by which a text gets its start and end tokens. */
type TemplatePiece = Readonly<Record<string, Json>>;

/**
 * Describes a vocabulary for other tools. Special tokens that the vocabulary lacks are left out.
 *
 * ```ts
 * const files = huggingFaceFiles(tokenDict, { doLowerCase: true, maxPositions: 512 });
 * for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
 * ```
 */
export function huggingFaceFiles(tokenDict: TokenDict, options: HuggingFaceOptions = {}): HuggingFaceFiles {
  const specials = specialTokens(tokenDict, options);
  return {
    'tokenizer.json': toText(tokenizerJson(tokenDict, options, specials)),
    'tokenizer_config.json': toText(tokenizerConfig(options, specials)),
    'special_tokens_map.json': toText(specials),
  };
}

function tokenizerJson(tokenDict: TokenDict, options: HuggingFaceOptions, specials: Record<string, string>): Json {
  const { doLowerCase = false, wordMaxLen = 200 } = options;
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: addedTokens(tokenDict, specials),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: doLowerCase,
      lowercase: doLowerCase,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: postProcessor(tokenDict, specials),
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: wordMaxLen,
      vocab: Object.fromEntries(tokenDict),
    },
  };
}

function tokenizerConfig(options: HuggingFaceOptions, specials: Record<string, string>): Json {
  const { doLowerCase = false, maxPositions } = options;
  return {
    tokenizer_class: 'BertTokenizer',
    do_lower_case: doLowerCase,
    do_basic_tokenize: true,
    tokenize_chinese_chars: true,
    strip_accents: null,
    clean_up_tokenization_spaces: true,
    ...(maxPositions !== undefined && { model_max_length: maxPositions }),
    ...specials,
  };
}

/** The roles that transformers gives names to, with the tokens that the vocabulary has for them. */
function specialTokens(tokenDict: TokenDict, options: HuggingFaceOptions): Record<string, string> {
  const { tokenStart = '[CLS]', tokenEnd = '[SEP]' } = options;
  const roles = {
    unk_token: '[UNK]',
    sep_token: tokenEnd,
    pad_token: '[PAD]',
    cls_token: tokenStart,
    mask_token: '[MASK]',
  };
  const present: Record<string, string> = {};
  for (const [role, token] of Object.entries(roles)) {
    if (token !== null && tokenDict.has(token)) present[role] = token;
  }
  return present;
}

function addedTokens(tokenDict: TokenDict, specials: Record<string, string>): Json {
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  const contents = [...new Set(Object.values(specials))];
  return contents
    .map(content => ({ id: tokenDict.get(content) ?? 0, content, ...flags }))
    .sort((first, second) => first.id - second.id);
}

/** `[CLS] A [SEP]` and `[CLS] A [SEP] B [SEP]`, with the tokens there are. */
function postProcessor(tokenDict: TokenDict, specials: Record<string, string>): Json {
  const { cls_token: start, sep_token: end } = specials;
  const special = (token: string | undefined, segment: number): TemplatePiece[] =>
    token === undefined ? [] : [{ SpecialToken: { id: token, type_id: segment } }];
  const first = [...special(start, 0), { Sequence: { id: 'A', type_id: 0 } }, ...special(end, 0)];
  const second = [{ Sequence: { id: 'B', type_id: 1 } }, ...special(end, 1)];
  const used = [start, end].filter(token => token !== undefined);
  return {
    type: 'TemplateProcessing',
    single: first,
    pair: [...first, ...second],
    special_tokens: Object.fromEntries(
      used.map(token => [token, { id: token, ids: [tokenDict.get(token) ?? 0], tokens: [token] }]),
    ),
  };
}

function toText(value: Json): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
