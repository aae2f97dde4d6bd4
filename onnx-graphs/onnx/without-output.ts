/**
 * A graph without one of its outputs and without everything that only that output needs. ONNX Runtime computes every output
 * of a graph, fetched or not, so what should not be computed needs a graph that does not have it.
 */
import type { GraphPlan } from './graph-builder.ts';

/** The rest of a graph, under another name; inputs stay, since callers feed them all. */
export function withoutOutput(plan: GraphPlan, output: string, name: string): GraphPlan {
  const outputs = plan.outputs.filter(port => port.name !== output);
  const needed = new Set(outputs.map(port => port.name));
  const nodes = plan.nodes
    // Operators stand in the order of computation, so that seen from the end readers come before what they read.
    .toReversed()
    .filter(node => {
      if (!needed.has(node.output)) return false;
      for (const input of node.inputs) needed.add(input);
      return true;
    })
    .toReversed();
  return {
    name,
    inputs: plan.inputs,
    outputs,
    nodes,
    weights: plan.weights.filter(weight => needed.has(weight.name)),
    constants: plan.constants.filter(constant => needed.has(constant.name)),
  };
}
