/**
 * A graph small enough to write by hand: `double [B, 2] = x + x` and `count [B] = n + n`, encoded with the field numbers of
 * onnx.proto (ModelProto 1, 7, 8; GraphProto 1, 2, 11, 12; NodeProto 1, 2, 4; ValueInfoProto 1, 2).
 */
import protobuf from 'protobufjs';
import type { Ports } from '../../src/session/session.ts';

/** The graph's ports, as a manifest would list them. */
export const tinyPorts: Ports = {
  inputs: [
    { name: 'x', dtype: 'float32', shape: ['B', 2] },
    { name: 'n', dtype: 'int64', shape: ['B'] },
  ],
  outputs: [
    { name: 'double', dtype: 'float32', shape: ['B', 2] },
    { name: 'count', dtype: 'int64', shape: ['B'] },
  ],
};

type Write = (writer: protobuf.Writer) => protobuf.Writer;

/** The bytes of the graph. */
export function tinyGraph(): Uint8Array {
  const graph = message(writer => {
    node(writer, 'x', 'double');
    node(writer, 'n', 'count');
    writer.uint32(18).string('tiny');
    valueInfo(writer, 11, 'x', [1, ['B', 2]]);
    valueInfo(writer, 11, 'n', [7, ['B']]);
    valueInfo(writer, 12, 'double', [1, ['B', 2]]);
    return valueInfo(writer, 12, 'count', [7, ['B']]);
  });
  const opset = message(writer => writer.uint32(10).string('').uint32(16).int64(17));
  return message(writer => writer.uint32(8).int64(8).uint32(58).bytes(graph).uint32(66).bytes(opset));
}

function node(writer: protobuf.Writer, input: string, output: string): protobuf.Writer {
  const bytes = message(w =>
    w.uint32(10).string(input).uint32(10).string(input).uint32(18).string(output).uint32(34).string('Add'),
  );
  return writer.uint32(10).bytes(bytes);
}

function valueInfo(
  writer: protobuf.Writer,
  field: number,
  name: string,
  [type, shape]: readonly [number, readonly (number | string)[]],
): protobuf.Writer {
  const dimensions = message(w => {
    for (const size of shape) {
      const dimension = message(d => (typeof size === 'number' ? d.uint32(8).int64(size) : d.uint32(18).string(size)));
      w.uint32(10).bytes(dimension);
    }
    return w;
  });
  const tensor = message(w => w.uint32(8).int32(type).uint32(18).bytes(dimensions));
  const bytes = message(w =>
    w
      .uint32(10)
      .string(name)
      .uint32(18)
      .bytes(message(t => t.uint32(10).bytes(tensor))),
  );
  return writer.uint32(field * 8 + 2).bytes(bytes);
}

function message(write: Write): Uint8Array {
  return write(protobuf.Writer.create()).finish();
}
