/**
 * Several engines as one: each request goes to the engine that has the fewest, and one that takes another's cache over to
 * the engine that holds it. Each engine's cache is in a worker of its own, so that they compute at the same time.
 */
import type { GenerationScorer } from './generation-scorer.ts';
import type { Generator } from './generator.ts';
import { addRuns, NO_RUNS } from './run-counts.ts';

/** Where a request is. */
interface Home {
  readonly engine: Engine;
  readonly scorer: GenerationScorer;
}

interface Engine {
  readonly generator: Generator;
  /** Requests that are not released. */
  readonly live: Set<GenerationScorer>;
}

/** One generator over several. A single one is returned as it is. */
export function spreadGenerator(generators: readonly Generator[]): Generator {
  const [only, ...others] = generators;
  if (only !== undefined && others.length === 0) return only;
  const engines = generators.map((generator): Engine => ({ generator, live: new Set() }));
  const homes = new WeakMap<GenerationScorer, Home>();
  return {
    start(prompt, options = {}) {
      const earlier = options.after === undefined ? undefined : homes.get(options.after);
      const engine = earlier?.engine ?? engines.reduce((best, next) => (next.live.size < best.live.size ? next : best));
      const scorer = engine.generator.start(prompt, { ...options, after: earlier?.scorer ?? options.after });
      if (earlier !== undefined) engine.live.delete(earlier.scorer);
      engine.live.add(scorer);
      const release = () => {
        engine.live.delete(scorer);
        scorer.release();
      };
      const spread: GenerationScorer = { ...scorer, release };
      homes.set(spread, { engine, scorer });
      return spread;
    },
    get counts() {
      const all = engines.map(({ generator }) => generator.counts);
      const cacheBytes = all.reduce((sum, counts) => sum + counts.cacheBytes, 0);
      return { ...all.reduce(addRuns, NO_RUNS), cacheBytes };
    },
  };
}
