/**
 * Collects a graph while architectures write it: inputs, operators in order, the weights they name, outputs. Operators
 * come from `../ops`; a builder itself knows nothing of them but their names. No bytes are involved: the plan that comes
 * out names its weights, and `encodeGraph` writes it once they have been located.
 *
 * A builder stands at a path, like a shell in a directory; `at` steps into a child. Nodes are named by path and operator
 * (`/Transformer-0-MultiHeadSelfAttention/query/MatMul`), and a name can't be used twice.
 */
import type { DType } from '../../src/core/dtype.ts';
import { elementCount } from '../../src/core/dtype.ts';
import {
  type Attribute,
  type GraphConstant,
  type GraphNode,
  type GraphPlan,
  type GraphWeight,
  renameValues,
} from './graph-plan.ts';
import { type Dim, describeValue, GraphError, type Value } from './value.ts';
import { weightName } from './weight-name.ts';

/** What an operator adds to a graph. */
export interface Emission {
  readonly op: string;
  readonly inputs: readonly Value[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly dtype: DType;
  readonly shape: readonly Dim[];
}

/** Constants above this many elements belong into a weight file. */
const LARGEST_CONSTANT = 1024;

interface GraphState {
  readonly inputs: Map<string, Value>;
  readonly outputs: Map<string, Value>;
  readonly nodes: Map<string, GraphNode>;
  readonly weights: Map<string, GraphWeight>;
  readonly constants: Map<string, GraphConstant>;
  /** The graph that this one is a branch of. */
  readonly outer?: GraphState;
}

/** Writes one graph. Builders made by {@link GraphBuilder.at} write into the same graph. */
export class GraphBuilder {
  readonly name: string;
  /** Where this builder stands: empty at the root, else `/a/b`. */
  readonly path: string;
  readonly #state: GraphState;

  constructor(name: string, parent?: GraphBuilder, state?: GraphState) {
    this.name = parent?.name ?? name;
    this.path = parent === undefined ? '' : `${parent.path}/${name}`;
    this.#state = state ?? (parent === undefined ? emptyState() : parent.#state);
  }

  /** A builder one step further down: node names below it begin with this path and `segment`. */
  at(segment: string): GraphBuilder {
    return new GraphBuilder(segment, this);
  }

  /** Declares an input of the graph. @throws GraphError when there is one of that name. */
  input(name: string, dtype: DType, shape: readonly Dim[]): Value {
    const value: Value = { name, dtype, shape };
    if (this.#state.inputs.has(name)) throw new GraphError({ what: `input "${name}" is declared twice` });
    this.#state.inputs.set(name, value);
    return value;
  }

  /** Makes a computed value an output of the graph. @throws GraphError when the name or the value is taken. */
  output(name: string, value: Value): void {
    const { nodes, outputs } = this.#state;
    const made = [...nodes.values()].some(node => node.outputs.includes(value.name));
    if (outputs.has(name) || [...outputs.values()].includes(value))
      throw new GraphError({ what: `output "${name}" is declared twice`, found: value.name });
    if (!made)
      throw new GraphError({ what: `output "${name}"`, expected: 'a value made by an operator', found: value.name });
    outputs.set(name, value);
  }

  /**
   * A float32 weight of a Keras layer. Asking again for the same one gives the same value, so layers can share weights.
   * @throws GraphError when it was asked for with another shape before.
   */
  weight(layer: string, slot: string, shape: readonly number[]): Value {
    const name = weightName(layer, slot);
    const known = this.#state.weights.get(name);
    if (known !== undefined && known.shape.join() !== shape.join())
      throw new GraphError({
        what: `weight "${name}"`,
        expected: `[${known.shape.join(', ')}] as before`,
        found: `[${shape.join(', ')}]`,
      });
    this.#state.weights.set(name, { name, shape });
    return { name, dtype: 'float32', shape };
  }

  /** A tensor of up to 1024 elements inside the graph. Equal constants are stored once. */
  constant(dtype: GraphConstant['dtype'], values: readonly number[], shape: readonly number[] = []): Value {
    if (values.length !== elementCount(shape) || values.length > LARGEST_CONSTANT)
      throw new GraphError({ what: `constant of ${values.length} elements for shape [${shape.join(', ')}]` });
    const name = `/constants/${dtype}[${shape.join('x')}]=${values.join(',')}`;
    this.#state.constants.set(name, { name, dtype, shape, values });
    return { name, dtype, shape };
  }

  /** Adds an operator, named by where this builder stands. @throws GraphError when the name is taken. */
  emit({ dtype, shape, ...operator }: Emission): Value {
    const [name] = this.#add(operator, 1);
    return { name, dtype, shape };
  }

  /** As {@link emit}, for an operator that makes two values. */
  emitPair(
    operator: Omit<Emission, 'dtype' | 'shape'>,
    [first, second]: readonly [Omit<Value, 'name'>, Omit<Value, 'name'>],
  ): readonly [Value, Value] {
    const [name, other] = this.#add(operator, 2);
    return [
      { ...first, name },
      { ...second, name: other },
    ];
  }

  /** A branch for an operator that chooses between graphs: it reads what this graph has, and gives one value. */
  branch(segment: string, write: (g: GraphBuilder) => Value): GraphPlan {
    const outer = this.#state;
    const g = new GraphBuilder(segment, this, { ...outer, nodes: new Map(), outputs: new Map(), outer });
    const value = write(g);
    g.output(value.name, value);
    return { ...g.plan(), name: segment, inputs: [], weights: [], constants: [] };
  }

  /** The finished graph. Values that are outputs carry the output's name in it. */
  plan(): GraphPlan {
    const { inputs, outputs, nodes, weights, constants } = this.#state;
    const renamed = new Map([...outputs].map(([name, value]) => [value.name, name]));
    const rename = (name: string): string => renamed.get(name) ?? name;
    return {
      name: this.name,
      inputs: [...inputs.values()],
      outputs: [...outputs].map(([name, { dtype, shape }]) => ({ name, dtype, shape })),
      nodes: [...nodes.values()].map(node => renameValues(node, rename)),
      weights: [...weights.values()],
      constants: [...constants.values()],
    };
  }

  #add(operator: Omit<Emission, 'dtype' | 'shape'>, count: 1): readonly [string];
  #add(operator: Omit<Emission, 'dtype' | 'shape'>, count: 2): readonly [string, string];
  #add({ op, inputs, attributes = {} }: Omit<Emission, 'dtype' | 'shape'>, count: number): readonly string[] {
    const name = `${this.path}/${op}`;
    if (this.#state.nodes.has(name))
      throw new GraphError({
        what: `node "${name}" exists`,
        next: 'Step into a child with at() to name the second one',
      });
    for (const input of inputs) this.#mustExist(input, name);
    const outputs = Array.from({ length: count }, (_, i) => `${name}:${i}`);
    this.#state.nodes.set(name, { name, op, inputs: inputs.map(input => input.name), outputs, attributes });
    return outputs;
  }

  #mustExist(value: Value, node: string): void {
    if (!isKnown(this.#state, value.name))
      throw new GraphError({ what: `node "${node}" reads a value of another graph`, found: describeValue(value) });
  }
}

function isKnown({ inputs, weights, constants, nodes, outer }: GraphState, name: string): boolean {
  const isMade = nodes.get(name.slice(0, name.lastIndexOf(':')))?.outputs.includes(name) ?? false;
  return (
    isMade || inputs.has(name) || weights.has(name) || constants.has(name) || (outer && isKnown(outer, name)) === true
  );
}

function emptyState(): GraphState {
  return { inputs: new Map(), outputs: new Map(), nodes: new Map(), weights: new Map(), constants: new Map() };
}
