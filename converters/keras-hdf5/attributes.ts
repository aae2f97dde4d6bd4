/**
 * Text attributes of groups: Keras keeps layer names, weight names and its version in them. jsfive's own attribute
 * reader turns what it doesn't know into null with a console warning, so the message is taken apart here.
 *
 * HDF5 File Format Specification 3.0, section IV.A.2.m (attribute message, versions 1 to 3).
 */
import type { Extent, FileImage } from './file-image.ts';
import { attempt, type Hdf5File, type Hdf5Object, readHeapString } from './jsfive-file.ts';
import { type ElementType, readDataspace, readDatatype } from './messages.ts';
import { MESSAGE } from './object-header.ts';

/** An attribute's parts; `data` holds `count` elements of `type`. */
interface Attribute {
  readonly name: string;
  readonly type: ElementType;
  readonly count: number;
  readonly data: Extent;
}

/**
 * The strings of an attribute, or undefined when the object has none of that name. Trailing NULs, which fixed-length
 * strings are padded with, are cut. A scalar gives one string; an empty array of any type gives none.
 * @throws FormatError when the attribute isn't text or is damaged.
 */
export async function readText(
  file: Hdf5File,
  object: Hdf5Object,
  name: string,
): Promise<readonly string[] | undefined> {
  const what = `attribute "${name}" of "/${object.path}"`;
  const attribute = await attempt(file.source, file.image, what, () => findAttribute(file.image, object, name));
  if (attribute === undefined) return undefined;
  const { count, type, data } = attribute;
  if (count === 0) return [];
  if (type.kind !== 'fixed-text' && type.kind !== 'heap-text') {
    throw file.image.error(what, 'strings', type.kind === 'number' ? type.dtype : type.name);
  }
  const strings: string[] = [];
  for (let at = data.begin; strings.length < count; at += type.size) {
    const bytes =
      type.kind === 'heap-text' ? await readHeapString(file, object, at) : bytesAt(file.image, at, type.size);
    strings.push(await attempt(file.source, file.image, what, () => decode(bytes)));
  }
  return strings;
}

/**
 * The strings of an attribute that Keras may have split into `name0`, `name1`, … because an object header holds less
 * than 64 kB; undefined when there is neither.
 * Method: https://github.com/keras-team/keras/blob/2.3.1/keras/engine/saving.py, load_attributes_from_hdf5_group.
 */
export async function readSplitText(
  file: Hdf5File,
  object: Hdf5Object,
  name: string,
): Promise<readonly string[] | undefined> {
  const whole = await readText(file, object, name);
  if (whole !== undefined) return whole;
  let all: readonly string[] | undefined;
  for (let part = 0; ; part++) {
    const strings = await readText(file, object, `${name}${part}`);
    if (strings === undefined) return all;
    all = all === undefined ? strings : all.concat(strings);
  }
}

function findAttribute(image: FileImage, object: Hdf5Object, name: string): Attribute | undefined {
  for (const message of object.messages) {
    if (message.type !== MESSAGE.attribute) continue;
    const attribute = parseAttribute(image, message, name);
    if (attribute !== undefined) return attribute;
  }
  return undefined;
}

/** Parses the attribute in a message when it is called `wanted`. */
function parseAttribute(image: FileImage, message: Extent, wanted: string): Attribute | undefined {
  const { begin, length } = message;
  const { view } = image;
  const version = length < 9 ? 0 : view.getUint8(begin);
  if (version < 1 || version > 3) throw image.error(`attribute at ${begin}`, 'version 1, 2 or 3', `${version}`);
  const sizes = [2, 4, 6].map(at => view.getUint16(begin + at, true));
  const steps = sizes.map(size => (version === 1 ? Math.ceil(size / 8) * 8 : size));
  const [nameSize = 0, typeSize = 0, spaceSize = 0] = sizes;
  const [nameStep = 0, typeStep = 0, spaceStep = 0] = steps;
  const start = begin + (version === 3 ? 9 : 8);
  const data = start + nameStep + typeStep + spaceStep;
  if (data > begin + length) throw image.error(`attribute at ${begin}`, `${length} bytes`, `${data - begin} at least`);
  const name = decode(bytesAt(image, start, nameSize));
  if (name !== wanted) return undefined;
  // Bits 0 and 1 of the flags (reserved in version 1): type or shape are stored elsewhere.
  if (view.getUint8(begin + 1) !== 0) throw image.error(`attribute "${name}"`, 'its own type', 'a shared type');
  const type = readDatatype(image, { begin: start + nameStep, length: typeSize });
  const shape = readDataspace(image, { begin: start + nameStep + typeStep, length: spaceSize });
  const count = shape.reduce((product, size) => product * size, 1);
  return { name, type, count, data: checkedData(image, message, { begin: data, length: count * type.size }) };
}

/** The elements must fill the message, but for the padding of messages to multiples of 8. */
function checkedData(image: FileImage, { begin, length }: Extent, data: Extent): Extent {
  const room = begin + length - data.begin;
  if (data.length > room || room - data.length >= 8) {
    throw image.error(`data of the attribute at ${begin}`, `${room} bytes`, `${data.length}`);
  }
  return data;
}

function bytesAt(image: FileImage, begin: number, length: number): Uint8Array {
  return new Uint8Array(image, begin, length);
}

function decode(bytes: Uint8Array): string {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, end));
}
