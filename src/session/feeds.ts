/**
 * Checks what goes into a graph before ONNX Runtime sees it. Its own messages name neither the graph's dimension letters
 * nor what the caller should have passed, and an unknown feed is ignored silently; here both are errors.
 */

import { SessionError } from '../core/errors.ts';
import type { Port } from '../core/manifest.ts';
import type { Tensor } from '../core/tensor.ts';
import type { Ports } from './session.ts';

/**
 * Checks names, dtypes, shapes and lengths of feeds, and names of fetches, against the ports. A dimension letter must mean
 * the same size in every feed; a sum such as `P+R` must equal the sum of its letters. A feed that was lent has no values
 * left.
 * @throws SessionError naming the port.
 */
export function checkRun(ports: Ports, feeds: Readonly<Record<string, Tensor>>, fetches: readonly string[]): void {
  checkNames(ports, feeds, fetches);
  const sizes = new Map<string, { readonly size: number; readonly port: string }>();
  for (const port of ports.inputs) bindLetters(port, feedOf(feeds, port), sizes);
  for (const port of ports.inputs) checkSums(port, feedOf(feeds, port), sizes);
}

function checkNames(ports: Ports, feeds: Readonly<Record<string, Tensor>>, fetches: readonly string[]): void {
  const inputs = ports.inputs.map(port => port.name);
  const outputs = ports.outputs.map(port => port.name);
  for (const name of Object.keys(feeds)) {
    if (!inputs.includes(name)) throw unknownPort('input', name, inputs);
  }
  for (const name of fetches) {
    if (!outputs.includes(name)) throw unknownPort('output', name, outputs);
  }
}

function unknownPort(what: string, name: string, known: readonly string[]): SessionError {
  return new SessionError({ what: `graph ${what}`, expected: `one of ${known.join(', ')}`, found: `"${name}"` });
}

function feedOf(feeds: Readonly<Record<string, Tensor>>, port: Port): Tensor {
  const feed = feeds[port.name];
  if (feed === undefined) {
    throw new SessionError({ what: `feed "${port.name}"`, expected: describePort(port), found: 'no such feed' });
  }
  const fits = feed.dtype === port.dtype && feed.shape.length === port.shape.length;
  if (!fits) throw misfit(port, feed);
  const size = feed.shape.reduce((product, length) => product * length, 1);
  if (feed.data.length !== size) throw misfit(port, feed, `${size} values`, ` with ${feed.data.length}`);
  return feed;
}

type Sizes = Map<string, { readonly size: number; readonly port: string }>;

/** Compares fixed sizes, and lets each letter take the size of the first feed that has it. */
function bindLetters(port: Port, feed: Tensor, sizes: Sizes): void {
  port.shape.forEach((dimension, axis) => {
    const size = feed.shape[axis] ?? 0;
    if (typeof dimension === 'number') {
      if (dimension !== size) throw misfit(port, feed);
      return;
    }
    if (!LETTER.test(dimension)) return;
    const bound = sizes.get(dimension);
    if (bound === undefined) sizes.set(dimension, { size, port: port.name });
    else if (bound.size !== size) throw misfit(port, feed, `${dimension} = ${bound.size} as in "${bound.port}"`);
  });
}

const LETTER = /^\w+$/;

function checkSums(port: Port, feed: Tensor, sizes: Sizes): void {
  port.shape.forEach((dimension, axis) => {
    if (typeof dimension === 'number' || !dimension.includes('+')) return;
    const terms = dimension.split('+').map(letter => sizes.get(letter.trim())?.size);
    const sum = terms.reduce(
      (total, term) => (total === undefined || term === undefined ? undefined : total + term),
      0,
    );
    if (sum !== undefined && sum !== feed.shape[axis]) throw misfit(port, feed, `${dimension} = ${sum}`);
  });
}

function misfit(port: Port, feed: Tensor, detail?: string, values = ''): SessionError {
  return new SessionError({
    what: `feed "${port.name}"`,
    expected: detail === undefined ? describePort(port) : `${describePort(port)} with ${detail}`,
    found: `${feed.dtype} [${feed.shape.join(', ')}]${values}`,
  });
}

function describePort(port: Port): string {
  return `${port.dtype} [${port.shape.join(', ')}]`;
}
