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
import type { Port } from '../../src/core/manifest.ts';
import { type Dim, describeValue, GraphError, type Value } from './value.ts';
import { weightName } from './weight-name.ts';

/** An attribute of an operator, tagged with its ONNX type. */
export type Attribute =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string };

/** An operator in a graph, with the names of the values it reads and of the one it makes. */
export interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
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
}

/** Writes one graph. Builders made by {@link GraphBuilder.at} write into the same graph. */
export class GraphBuilder {
  readonly name: string;
  /** Where this builder stands: empty at the root, else `/a/b`. */
  readonly path: string;
  readonly #state: GraphState;

  constructor(name: string, parent?: GraphBuilder) {
    this.name = parent?.name ?? name;
    this.path = parent === undefined ? '' : `${parent.path}/${name}`;
    this.#state = parent === undefined ? emptyState() : parent.#state;
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
    if (outputs.has(name) || [...outputs.values()].includes(value))
      throw new GraphError({ what: `output "${name}" is declared twice`, found: value.name });
    if (![...nodes.values()].some(node => node.output === value.name))
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
  emit(emission: Emission): Value {
    const name = `${this.path}/${emission.op}`;
    if (this.#state.nodes.has(name))
      throw new GraphError({
        what: `node "${name}" exists`,
        next: 'Step into a child with at() to name the second one',
      });
    for (const input of emission.inputs) this.#mustExist(input, name);
    const output = `${name}:0`;
    this.#state.nodes.set(name, {
      name,
      op: emission.op,
      inputs: emission.inputs.map(input => input.name),
      output,
      attributes: emission.attributes ?? {},
    });
    return { name: output, dtype: emission.dtype, shape: emission.shape };
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
      nodes: [...nodes.values()].map(node => ({
        ...node,
        inputs: node.inputs.map(rename),
        output: rename(node.output),
      })),
      weights: [...weights.values()],
      constants: [...constants.values()],
    };
  }

  #mustExist(value: Value, node: string): void {
    const { inputs, weights, constants, nodes } = this.#state;
    const { name } = value;
    const made = name.endsWith(':0') && nodes.has(name.slice(0, -2));
    if (!made && !inputs.has(name) && !weights.has(name) && !constants.has(name))
      throw new GraphError({ what: `node "${node}" reads a value of another graph`, found: describeValue(value) });
  }
}

function emptyState(): GraphState {
  return { inputs: new Map(), outputs: new Map(), nodes: new Map(), weights: new Map(), constants: new Map() };
}
