/**
 * Writes a graph plan as an ONNX `ModelProto` whose weights lie in other files. Only the messages and fields that plans
 * need are written, straight to the wire: no schema is compiled at run time, so it works under a Content-Security-Policy
 * that forbids code generation.
 *
 * Field numbers: https://github.com/onnx/onnx/blob/v1.17.0/onnx/onnx.proto
 */
import { Writer } from 'protobufjs/minimal.js';
import { bytesPerElement, type DType, elementCount } from '../../src/core/dtype.ts';
import { WeightsError } from '../../src/core/errors.ts';
import type { Port } from '../../src/core/manifest.ts';
import type { Attribute, GraphConstant, GraphNode, GraphPlan, GraphWeight } from './graph-plan.ts';
import { GraphError } from './value.ts';

/** The operator set that graphs are written against: the first with `Gelu`; everything newer is avoided. */
const OPSET_VERSION = 20;

/** The version of the ONNX file format that came with the operator set. */
const IR_VERSION = 9;

/** Where the bytes of a weight lie: a file relative to the ONNX file's folder, and a range in it. */
export interface WeightLocation {
  readonly file: string;
  /** Bytes from the start of the file; need not be aligned. */
  readonly offset: number;
  readonly length: number;
  /** Element type in the file; little-endian, row-major. */
  readonly dtype: DType;
}

/**
 * Encodes `plan`; `locate` is asked for every weight by its `<layer>/<slot>` name.
 * @throws WeightsError when a location does not hold as many float32 elements as the weight has.
 */
export function encodeGraph(plan: GraphPlan, locate: (name: string) => WeightLocation): Uint8Array {
  const model = Writer.create();
  model.uint32(tag(1, VARINT)).int64(IR_VERSION);
  model.uint32(tag(2, BYTES)).string('bert4ort');
  message(model, 7, graph => writeGraph(graph, plan, locate));
  message(model, 8, opset => opset.uint32(tag(2, VARINT)).int64(OPSET_VERSION));
  return model.finish();
}

const VARINT = 0;
const BYTES = 2;
const FIXED32 = 5;

/** TensorProto.DataType; types that no graph uses are left out. */
const DATA_TYPES: Readonly<Partial<Record<DType, number>>> = { float32: 1, int32: 6, int64: 7, bool: 9 };

type Locate = (name: string) => WeightLocation;

function writeGraph(w: Writer, plan: GraphPlan, locate: Locate): void {
  for (const node of plan.nodes) message(w, 1, field => writeNode(field, node, locate));
  w.uint32(tag(2, BYTES)).string(plan.name);
  for (const constant of plan.constants) message(w, 5, field => writeConstant(field, constant));
  for (const weight of plan.weights) message(w, 5, field => writeWeight(field, weight, locate(weight.name)));
  for (const port of plan.inputs) message(w, 11, field => writePort(field, port));
  for (const port of plan.outputs) message(w, 12, field => writePort(field, port));
}

function writeNode(w: Writer, node: GraphNode, locate: Locate): void {
  for (const input of node.inputs) w.uint32(tag(1, BYTES)).string(input);
  for (const output of node.outputs) w.uint32(tag(2, BYTES)).string(output);
  w.uint32(tag(3, BYTES)).string(node.name);
  w.uint32(tag(4, BYTES)).string(node.op);
  for (const [name, attribute] of Object.entries(node.attributes))
    message(w, 5, field => writeAttribute(field, name, attribute, locate));
}

function writeAttribute(w: Writer, name: string, attribute: Attribute, locate: Locate): void {
  w.uint32(tag(1, BYTES)).string(name);
  const type = w.uint32(tag(20, VARINT));
  switch (attribute.kind) {
    case 'float':
      type.int32(1).uint32(tag(2, FIXED32)).float(attribute.value);
      break;
    case 'int':
      type.int32(2).uint32(tag(3, VARINT)).int64(attribute.value);
      break;
    case 'string':
      type.int32(3).uint32(tag(4, BYTES)).string(attribute.value);
      break;
    case 'graph':
      message(type.int32(5), 6, graph => writeGraph(graph, attribute.value, locate));
      break;
    case 'ints':
      type.int32(7);
      for (const value of attribute.value) w.uint32(tag(8, VARINT)).int64(value);
  }
}

function writeConstant(w: Writer, constant: GraphConstant): void {
  writeTensorHead(w, constant.name, constant.dtype, constant.shape);
  w.uint32(tag(9, BYTES)).bytes(rawBytes(constant));
}

function writeWeight(w: Writer, weight: GraphWeight, location: WeightLocation): void {
  const length = elementCount(weight.shape) * bytesPerElement('float32');
  if (location.dtype !== 'float32' || location.length !== length)
    throw new WeightsError({
      what: `weight "${weight.name}"`,
      file: location.file,
      expected: `${length} bytes of float32 for shape [${weight.shape.join(', ')}]`,
      found: `${location.length} bytes of ${location.dtype}`,
    });
  writeTensorHead(w, weight.name, 'float32', weight.shape);
  const entries = { location: location.file, offset: String(location.offset), length: String(location.length) };
  for (const [key, value] of Object.entries(entries))
    message(w, 13, entry => entry.uint32(tag(1, BYTES)).string(key).uint32(tag(2, BYTES)).string(value));
  w.uint32(tag(14, VARINT)).int32(1);
}

function writeTensorHead(w: Writer, name: string, dtype: DType, shape: readonly number[]): void {
  for (const size of shape) w.uint32(tag(1, VARINT)).int64(size);
  w.uint32(tag(2, VARINT)).int32(dataType(dtype));
  w.uint32(tag(8, BYTES)).string(name);
}

function writePort(w: Writer, port: Port): void {
  w.uint32(tag(1, BYTES)).string(port.name);
  message(w, 2, type =>
    message(type, 1, tensor => {
      tensor.uint32(tag(1, VARINT)).int32(dataType(port.dtype));
      message(tensor, 2, shape => {
        for (const dim of port.shape)
          message(shape, 1, field => {
            if (typeof dim === 'number') field.uint32(tag(1, VARINT)).int64(dim);
            else field.uint32(tag(2, BYTES)).string(dim);
          });
      });
    }),
  );
}

function rawBytes({ dtype, values }: GraphConstant): Uint8Array {
  switch (dtype) {
    case 'float32':
      return littleEndian(values, 4, (view, offset, value) => view.setFloat32(offset, value, true));
    case 'int32':
      return littleEndian(values, 4, (view, offset, value) => view.setInt32(offset, value, true));
    case 'int64':
      return littleEndian(values, 8, (view, offset, value) => view.setBigInt64(offset, BigInt(value), true));
    case 'bool':
      return Uint8Array.from(values);
  }
}

function littleEndian(
  values: readonly number[],
  size: number,
  set: (view: DataView, offset: number, value: number) => void,
): Uint8Array {
  const bytes = new Uint8Array(values.length * size);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of values.entries()) set(view, i * size, value);
  return bytes;
}

function dataType(dtype: DType): number {
  const type = DATA_TYPES[dtype];
  if (type === undefined) throw new GraphError({ what: `element type ${dtype} in a graph` });
  return type;
}

function message(w: Writer, field: number, write: (w: Writer) => void): void {
  w.uint32(tag(field, BYTES)).fork();
  write(w);
  w.ldelim();
}

function tag(field: number, wireType: number): number {
  return field * 8 + wireType;
}
