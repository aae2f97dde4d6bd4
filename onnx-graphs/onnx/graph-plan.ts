/**
 * What a graph is before it is encoded: plain data, without the bytes of its weights.
 */
import type { Port } from '../../src/core/manifest.ts';

/** An attribute of an operator, tagged with its ONNX type. */
export type Attribute =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'graph'; readonly value: GraphPlan };

/** An operator in a graph, with the names of the values it reads and of those it makes. */
export interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** A weight that a graph reads, float32; its name is that of {@link weightName}. */
export interface GraphWeight {
  readonly name: string;
  readonly shape: readonly number[];
}

/** A small tensor that is part of the graph itself. */
export interface GraphConstant {
  readonly name: string;
  readonly dtype: 'float32' | 'int64' | 'int32' | 'bool';
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/** A complete graph without the bytes of its weights. */
export interface GraphPlan {
  readonly name: string;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly nodes: readonly GraphNode[];
  readonly weights: readonly GraphWeight[];
  readonly constants: readonly GraphConstant[];
}

/** The names that an operator reads, those of its branches included. */
export function readsOf(node: GraphNode): readonly string[] {
  return [...node.inputs, ...branchesOf(node).flatMap(branch => branch.nodes.flatMap(readsOf))];
}

/** An operator with other names for the values it reads and makes, in its branches too. */
export function renameValues(node: GraphNode, rename: (name: string) => string): GraphNode {
  const attributes = Object.entries(node.attributes).map(([name, attribute]) => {
    if (attribute.kind !== 'graph') return [name, attribute] as const;
    const nodes = attribute.value.nodes.map(inner => renameValues(inner, rename));
    return [name, { ...attribute, value: { ...attribute.value, nodes } }] as const;
  });
  const [inputs, outputs] = [node.inputs.map(rename), node.outputs.map(rename)];
  return { ...node, inputs, outputs, attributes: Object.fromEntries(attributes) };
}

function branchesOf({ attributes }: GraphNode): readonly GraphPlan[] {
  return Object.values(attributes).flatMap(attribute => (attribute.kind === 'graph' ? [attribute.value] : []));
}
