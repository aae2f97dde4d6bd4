/**
 * A generator as a model, its profile and the user want it: the choice between cache and computing again is made by what was
 * measured on this machine, or by the option, and says why.
 */
import { AbortedError } from '../core/errors.ts';
import type { GraphName, Manifest } from '../core/manifest.ts';
import type { ProfileStore, StepTiming } from '../core/strategy-profile.ts';
import type { GraphSession } from '../session/session.ts';
import { createGenerator, type Generator, type GeneratorOptions } from './generator.ts';
import { measureStrategy, type StrategyMeasurement } from './measure-strategy.ts';
import { spreadGenerator } from './spread-generator.ts';
import { describeLimit, describeSteps, type StrategyChoice, type StrategyOptions } from './strategy.ts';

/** What is needed of a model. */
export interface GeneratingModel {
  readonly manifest: Manifest;
  readonly profile?: ProfileStore;
  openGraph(name: GraphName): Promise<GraphSession>;
}

/** Options of {@link openGenerator}. */
export interface OpenGeneratorOptions extends StrategyOptions, Pick<GeneratorOptions, 'maxBatchTokens'> {
  /** Stops a measurement. */
  readonly signal?: AbortSignal | undefined;
}

/** A generator that says how it computes. */
export interface OpenedGenerator extends Generator {
  readonly strategy: StrategyChoice;
}

/**
 * Opens the step graph of a model and chooses how steps are computed. Requests are spread over the session's workers.
 * @throws ConfigError when the model has no step graph; FormatError when its profile is damaged; SessionError; IoError;
 * AbortedError. A folder that can't be written is no error: `strategy.reason` says so.
 * @example
 * const generator = await openGenerator(await loadModel('models/gpt2'), { cache: 'auto' });
 * console.log(generator.strategy.reason);
 */
export async function openGenerator(
  model: GeneratingModel,
  { cache, maxBatchTokens, signal }: OpenGeneratorOptions = {},
): Promise<OpenedGenerator> {
  const session = await model.openGraph('step');
  const strategy = await chooseStrategy(model, session, { cache, signal });
  const { recomputeUpTo } = strategy;
  const limits = { recomputeUpTo, maxBatchTokens };
  const engines = Array.from({ length: session.workers ?? 1 }, () => createGenerator(session, model.manifest, limits));
  const generator = spreadGenerator(engines);
  return {
    strategy,
    start: (prompt, options) => generator.start(prompt, options),
    get counts() {
      return generator.counts;
    },
  };
}

/** The choice for a model's step graph in a session; measures and keeps it where `cache` is `auto` and nothing is known. */
async function chooseStrategy(
  { manifest, profile: store }: GeneratingModel,
  session: GraphSession,
  { cache, signal }: Pick<OpenGeneratorOptions, 'cache' | 'signal'>,
): Promise<StrategyChoice> {
  if (cache === 'on') return { recomputeUpTo: 0, source: 'option', reason: 'with the cache, as asked for' };
  if (cache === 'off') {
    return { recomputeUpTo: Number.POSITIVE_INFINITY, source: 'option', reason: 'without a cache, as asked for' };
  }
  const { graphs } = manifest;
  const { device, hardware } = session.device;
  const measured = graphs.step && { graph: graphs.step, device, ...(hardware && { hardware }) };
  const known = measured && (await store?.find(measured));
  if (known !== undefined) return choiceOf(known, 'profile');
  if (cache === undefined) {
    return { recomputeUpTo: 0, source: 'default', reason: 'with the cache: nothing was measured on this machine' };
  }
  const result = await measureOnce(session, manifest, signal);
  const { recomputeUpTo, steps } = result;
  const refusal = measured && store ? await store.keep(measured, { recomputeUpTo, steps }) : 'there is no place for it';
  return choiceOf(result, 'measured', doubt(result) + (refusal === undefined ? '' : `; not kept: ${refusal}`));
}

function choiceOf(
  { recomputeUpTo, steps }: { readonly recomputeUpTo: number; readonly steps: readonly StepTiming[] },
  source: 'profile' | 'measured',
  remark = '',
): StrategyChoice {
  return { recomputeUpTo, source, reason: `${describeLimit(recomputeUpTo)} (${describeSteps(steps)}${remark})` };
}

/** Why the cache is used although it may be slower. */
function doubt({ agrees, difference }: StrategyMeasurement): string {
  if (agrees) return '';
  return `; the logits differ by ${difference.toExponential(1)} of the largest, so speed did not count`;
}

/** Measurements by session: tasks that share one wait for the same, which others would disturb. */
const measurements = new WeakMap<GraphSession, Promise<StrategyMeasurement>>();

async function measureOnce(
  session: GraphSession,
  manifest: Manifest,
  signal?: AbortSignal,
): Promise<StrategyMeasurement> {
  const known = measurements.get(session);
  if (known !== undefined) {
    try {
      return await known;
    } catch (error) {
      if (!(error instanceof AbortedError) || signal?.aborted === true) throw error;
      // Whoever began it gave up.
      return measureOnce(session, manifest, signal);
    }
  }
  const measuring = measureStrategy(session, manifest, { signal });
  measurements.set(session, measuring);
  measuring.catch(() => measurements.delete(session));
  return measuring;
}
