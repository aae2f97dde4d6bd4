/**
 * Which architectures a checkpoint could be of, for `inspect`: each one is planned with each set of heads that its
 * configuration allows, reconciled with the names in the file, and ranked by what does not fit.
 */
import type { JsonObject, LayerSpec } from '../onnx-graphs/architecture.ts';
import { architectures } from '../onnx-graphs/architectures/index.ts';
import { ConfigError, WeightsError } from '../src/core/errors.ts';
import type { Checkpoint } from './checkpoint.ts';
import { recogniseNaming } from './naming/index.ts';
import { reconcile } from './reconcile.ts';

/** How well an architecture fits a checkpoint. */
export interface ArchitectureFit {
  /** bert4keras' `model=` and the heads that use most of the checkpoint. */
  readonly keywords: JsonObject & { readonly model: string };
  /** The naming scheme, for people. */
  readonly scheme: string;
  /** Weights that the checkpoint lacks or has in another shape, and tensors of the model that are left over. */
  readonly problems: number;
  /** Tensors that nothing uses. */
  readonly unused: number;
}

/** Heads that models can be built with; those that an architecture refuses are passed over. */
const HEADS: readonly JsonObject[] = [
  { with_pool: true, with_nsp: true, with_mlm: true },
  { with_pool: true, with_mlm: true },
  { with_nsp: true },
  { with_mlm: true },
  { with_pool: true },
  { with_discriminator: true },
  {},
];

/** Ways to embed segments that names tell apart. */
const SEGMENTS: readonly JsonObject[] = [{}, { segment_vocab_size: 0 }];

/**
 * Architectures by how well they fit, best first; several with no problem at all when names alone do not decide.
 * @throws ConfigError when the configuration suits no architecture.
 */
export function guessArchitecture(checkpoint: Checkpoint, config: JsonObject): readonly ArchitectureFit[] {
  const names = Object.keys(architectures).filter(name => architectures[name]?.name === name);
  const fits = names.flatMap(model => bestFit(model, checkpoint, config) ?? []);
  if (fits.length === 0) {
    throw new ConfigError({ what: 'configuration', found: `one that suits none of ${names.join(', ')}` });
  }
  return fits.toSorted(compareFits);
}

function bestFit(model: string, checkpoint: Checkpoint, config: JsonObject): ArchitectureFit | undefined {
  const variants = HEADS.flatMap(heads => SEGMENTS.map(segments => ({ model, ...heads, ...segments })));
  // Fewest keywords first: others that ask for the same weights only say what the architecture does not hear.
  const plans = new Map<string, Plan>();
  for (const keywords of variants.toSorted((a, b) => Object.keys(a).length - Object.keys(b).length)) {
    const layers = layersOf(keywords, config);
    const weights = JSON.stringify(layers?.map(({ name, slots }) => [name, slots]));
    if (layers !== undefined && !plans.has(weights)) plans.set(weights, { keywords, layers });
  }
  const fits = [...plans.values()].flatMap(plan => fitOf(plan, checkpoint) ?? []);
  return fits.toSorted(compareFits)[0];
}

interface Plan {
  readonly keywords: ArchitectureFit['keywords'];
  readonly layers: readonly LayerSpec[];
}

/** Fewest problems first, then fewest tensors left over, then fewest keywords: one that changes nothing is not needed. */
function compareFits(a: ArchitectureFit, b: ArchitectureFit): number {
  return (
    a.problems - b.problems || a.unused - b.unused || Object.keys(a.keywords).length - Object.keys(b.keywords).length
  );
}

/** Undefined when the architecture can't be configured so. */
function layersOf(keywords: ArchitectureFit['keywords'], config: JsonObject): readonly LayerSpec[] | undefined {
  const architecture = architectures[keywords.model];
  try {
    return architecture?.layers(architecture.parseConfig(config, keywords));
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}

/** Undefined when the architecture has no names for the checkpoint. */
function fitOf({ keywords, layers }: Plan, checkpoint: Checkpoint): ArchitectureFit | undefined {
  try {
    const naming = recogniseNaming(checkpoint, { architecture: keywords.model, layers });
    const { problems, extra } = reconcile(layers, checkpoint, naming);
    return { keywords, scheme: naming.label, problems: problems.length, unused: extra.length };
  } catch (error) {
    if (error instanceof WeightsError) return undefined;
    throw error;
  }
}
