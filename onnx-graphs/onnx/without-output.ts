/**
 * A graph without one of its outputs and without everything that only that output needs. ONNX Runtime computes every output
 * of a graph, fetched or not, so what should not be computed needs a graph that does not have it.
 */
import { type GraphPlan, readsOf } from './graph-plan.ts';

/** The rest of a graph, under another name; inputs stay, since callers feed them all. */
export function withoutOutput(plan: GraphPlan, output: string, name: string): GraphPlan {
  const outputs = plan.outputs.filter(port => port.name !== output);
  const needed = new Set(outputs.map(port => port.name));
  const nodes = plan.nodes
    // Operators stand in the order of computation, so that seen from the end readers come before what they read.
    .toReversed()
    .filter(node => {
      if (!node.outputs.some(made => needed.has(made))) return false;
      for (const read of readsOf(node)) needed.add(read);
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
