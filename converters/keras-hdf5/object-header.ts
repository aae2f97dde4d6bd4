/**
 * Version 1 object headers: the list of messages that describes a group or a dataset. jsfive reads them too, but by
 * offsets that it trusts; this walk goes first, checks them, and has the pages under them filled.
 *
 * HDF5 File Format Specification 3.0, section IV.A.1.a.
 */
import type { Extent, FileImage } from './file-image.ts';

/** Message types, section IV.A.2. */
export const MESSAGE = {
  dataspace: 0x01,
  datatype: 0x03,
  layout: 0x08,
  filters: 0x0b,
  attribute: 0x0c,
  continuation: 0x10,
  symbolTable: 0x11,
} as const;

const PREFIX = 16;
const MESSAGE_PREFIX = 8;

/** A message; `begin` is the address of its content. */
export interface HeaderMessage extends Extent {
  readonly type: number;
  /** Bit 1: the content is stored elsewhere. */
  readonly flags: number;
}

/**
 * Messages of the object header at `address`, in file order.
 * @throws MissingBytes, FormatError
 */
export function readObjectHeader(image: FileImage, address: number): readonly HeaderMessage[] {
  image.need({ begin: address, length: PREFIX });
  const { view } = image;
  const version = view.getUint8(address);
  if (version !== 1) throw image.error(`object header at ${address}`, 'version 1', describeVersion(version));
  const count = view.getUint16(address + 2, true);
  image.charge(256 * count);
  const blocks: Extent[] = [{ begin: address + PREFIX, length: view.getUint32(address + 8, true) }];
  const messages: HeaderMessage[] = [];
  for (const block of blocks) {
    image.need(block);
    for (let at = block.begin; at < block.begin + block.length && messages.length < count; ) {
      const message = readMessage(image, at, block);
      messages.push(message);
      if (message.type === MESSAGE.continuation) blocks.push(continuation(image, message));
      at = message.begin + message.length;
    }
  }
  if (messages.length < count) {
    throw image.error(`object header at ${address}`, `${count} messages`, `${messages.length}`);
  }
  return messages;
}

function readMessage(image: FileImage, at: number, block: Extent): HeaderMessage {
  const room = block.begin + block.length - at - MESSAGE_PREFIX;
  const length = room < 0 ? 0 : image.view.getUint16(at + 2, true);
  if (length > room || length % 8 !== 0) {
    throw image.error(`header message at ${at}`, `a multiple of 8 bytes, ${room} at most`, `${length}`);
  }
  const type = image.view.getUint16(at, true);
  return { type, flags: image.view.getUint8(at + 4), begin: at + MESSAGE_PREFIX, length };
}

function continuation(image: FileImage, { begin, length }: HeaderMessage): Extent {
  if (length < 16) throw image.error(`continuation at ${begin}`, '16 bytes', `${length}`);
  return { begin: image.u64(begin), length: image.u64(begin + 8) };
}

function describeVersion(version: number): string {
  return version === 0x4f ? "version 2, as h5py writes with libver='latest' or track_order" : `version ${version}`;
}
