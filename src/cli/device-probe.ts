/**
 * Tries a device on attention, the operator that has been seen to go wrong without an error: WebGPU drivers with small
 * subgroups miscompute ONNX Runtime's fused attention from length 32 on. Our graphs are made of the plain operators used
 * here.
 */
import { encodeGraph } from '../../onnx-graphs/onnx/encode-graph.ts';
import { GraphBuilder } from '../../onnx-graphs/onnx/graph-builder.ts';
import type { Value } from '../../onnx-graphs/onnx/value.ts';
import { transpose } from '../../onnx-graphs/ops/layout.ts';
import { matMul, softmax } from '../../onnx-graphs/ops/linear.ts';
import { nodeProvider } from '../session/node-session.ts';
import type { Ports, SessionOptions } from '../session/session.ts';
import { compareSessions, type ProbeResult } from '../session/web-probe.ts';

const HEADS = 2;
const HEAD_SIZE = 64;

/**
 * Runs softmax(q kᵀ) v at length 40 on the device and on the CPU, and compares.
 * @throws SessionError when the device can't be used.
 */
export async function probeDevice(options: SessionOptions): Promise<ProbeResult> {
  const { graph, ports } = attentionGraph();
  const candidate = await nodeProvider.open({ graph, data: [] }, ports, options);
  try {
    const reference = await nodeProvider.open({ graph, data: [] }, ports, { device: 'cpu', threads: 1 });
    try {
      return await compareSessions(candidate, reference);
    } finally {
      await reference.dispose();
    }
  } finally {
    await candidate.dispose();
  }
}

/** q, k, v [B, N, T, H] → context [B, N, T, H]. */
function attentionGraph(): { readonly graph: Uint8Array; readonly ports: Ports } {
  const g = new GraphBuilder('attention');
  const [q, k, v] = [port(g, 'q'), port(g, 'k'), port(g, 'v')];
  const scores = matMul(g.at('scores'), q, transpose(g.at('keys'), k, [0, 1, 3, 2])); // [B, N, T, T]
  g.output('context', matMul(g.at('context'), softmax(g.at('weights'), scores), v));
  const plan = g.plan();
  return { graph: encodeGraph(plan, noWeights), ports: plan };
}

function port(g: GraphBuilder, name: string): Value {
  return g.input(name, 'float32', ['B', HEADS, 'T', HEAD_SIZE]);
}

function noWeights(name: string): never {
  throw new Error(`the probe has no weight ${name}`);
}
