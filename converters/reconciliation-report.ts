/**
 * Says what keeps a plan and a checkpoint apart: one line a weight, with the naming scheme that was recognised, the
 * nearest names, and the keys of the configuration that the shapes contradict.
 */
import type { JsonObject } from '../onnx-graphs/architecture.ts';
import { WeightsError } from '../src/core/errors.ts';
import type { WeightProblem } from './reconcile.ts';

/** What the report needs besides the problems. */
export interface ReportContext {
  /** The checkpoint, as the user named it. */
  readonly file: string;
  /** The naming scheme, for people. */
  readonly scheme: string;
  /** Configuration with the keywords over it, to name the keys that disagree. */
  readonly config: JsonObject;
}

/** The error for a list of problems: counts first, then every one on a line of its own. */
export function weightsError(problems: readonly WeightProblem[], context: ReportContext): WeightsError {
  const count = (kind: WeightProblem['kind']): string => {
    const number = problems.filter(problem => problem.kind === kind).length;
    return number === 0 ? '' : `${number} ${kind}`;
  };
  const counts = [count('missing'), count('misshapen'), count('unused')].filter(part => part !== '').join(', ');
  const lines = problems.map(problem => `\n  ${describeProblem(problem, context.config)}`).join('');
  return new WeightsError({
    what: `weights do not fit the model (${counts})`,
    file: context.file,
    expected: `every weight under ${context.scheme}`,
    found: lines.trimStart() === '' ? 'none' : lines,
    next: `${advice(problems, context)}\n--ignore-invalid-weights converts all the same`,
  });
}

/** One problem on one line. */
export function describeProblem(problem: WeightProblem, config: JsonObject): string {
  switch (problem.kind) {
    case 'missing':
      return `missing    ${describeMissing(problem)}`;
    case 'misshapen': {
      const sizes = `expected ${list(problem.expected)}, found ${problem.dtype} ${list(problem.found)}`;
      return `misshapen  ${problem.weight}: "${problem.name}": ${sizes}${blame(problem.expected, problem.found, config)}`;
    }
    case 'unused':
      return `unused     "${problem.name}" ${list(problem.shape)}`;
  }
}

function describeMissing({ weight, sought, nearest }: Extract<WeightProblem, { kind: 'missing' }>): string {
  if (sought === undefined) return `${weight}: this naming scheme has no name for it`;
  const near = nearest.length === 0 ? '' : `; nearest: ${nearest.map(name => `"${name}"`).join(', ')}`;
  return `${weight}: no "${sought}"${near}`;
}

/** The keys of the configuration whose value is the size that was expected but not found. */
function blame(expected: readonly number[], found: readonly number[], config: JsonObject): string {
  if (expected.length !== found.length) return '';
  const sizes = expected.filter((size, axis) => size !== found[axis]);
  const keys = Object.keys(config).filter(
    key => sizes.includes(Number(config[key])) && typeof config[key] === 'number',
  );
  return keys.length === 0 ? '' : ` (configuration: ${keys.map(key => `${key} is ${config[key]}`).join(', ')})`;
}

/** What to do, read off the kinds of problem. */
function advice(problems: readonly WeightProblem[], { config }: ReportContext): string {
  const planned = Number(config['num_hidden_layers']);
  const unusedLayers = problems.flatMap(problem =>
    problem.kind === 'unused' ? (layerNumber(problem.name) ?? []) : [],
  );
  const beyond = unusedLayers.filter(number => number >= planned);
  if (beyond.length > 0) {
    return `num_hidden_layers is ${planned}, the checkpoint goes on to layer ${Math.max(...beyond)}`;
  }
  const missing = problems.filter(problem => problem.kind === 'missing');
  const heads = missing.filter(({ weight }) => /^(MLM|Pooler|NSP|Discriminator)-/.test(weight));
  if (missing.length > 0 && heads.length === missing.length) return 'The checkpoint has no such head; leave it out';
  return 'Check --model and the configuration against the names above (`inspect` lists them)';
}

/** The number of the transformer layer that a published or Keras name belongs to. */
function layerNumber(name: string): number | undefined {
  const digits = /(?:layer_|layer|Transformer-|block_)(\d+)[/-]/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function list(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}
