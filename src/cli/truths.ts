/**
 * What is true: answers beside the questions, in the field `truth`, or in a JSON Lines file of their own.
 */
import { FormatError, InputError } from '../core/errors.ts';
import { type JsonLine, textListField } from './json-lines.ts';
import { parseJson, readText } from './read-input.ts';

/** The true answers of an item. @throws InputError when there are none. */
export type Truths = (item: JsonLine) => readonly string[];

/** Truths in the items' own field `truth`, a text or a list. */
export function truthsInItems(item: JsonLine): readonly string[] {
  return textsOf(item, 'truth');
}

/**
 * Truths in a file of lines `{id, answers}`, answers being a text or a list.
 * @throws IoError when it can't be read; FormatError for a line that is none; InputError for wrong fields and ids that
 * come twice.
 */
export async function truthsInFile(file: string): Promise<Truths> {
  const known = new Map<string, readonly string[]>();
  const lines = (await readText(file)).split('\n');
  for (const [i, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const value = parseJson(line, `${file}, line ${i + 1}`);
    if (value === null || typeof value !== 'object' || !('id' in value)) {
      throw new FormatError({
        file,
        place: `line ${i + 1}`,
        what: 'truth',
        expected: 'an object with "id"',
        found: line,
      });
    }
    const key = JSON.stringify(value.id);
    if (known.has(key))
      throw new InputError({ file, place: `line ${i + 1}`, what: `id ${key}`, found: 'a second time' });
    known.set(key, textsOf(value, 'answers'));
  }
  return item => {
    const found = known.get(JSON.stringify(item['id']));
    if (found !== undefined) return found;
    const what = `truth of id ${JSON.stringify(item['id'])}`;
    throw new InputError({ file, what, expected: 'a line with this id', found: 'none' });
  };
}

function textsOf(item: JsonLine, field: string): readonly string[] {
  const value = item[field];
  if (typeof value === 'string') return [value];
  if (value !== undefined) return textListField(item, field);
  throw new InputError({ what: `field "${field}"`, expected: 'a text or a list', found: 'nothing' });
}
