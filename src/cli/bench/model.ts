/**
 * A model as `bench` looks at it: with sessions that are watched, with one token withheld, or without sessions at all.
 */
import { ConfigError } from '../../core/errors.ts';
import type { GraphEntry, GraphName } from '../../core/manifest.ts';
import type { Model } from '../../model.ts';
import { localStepCache } from '../../session/local-cache.ts';
import type { GraphSession } from '../../session/session.ts';
import type { StepCache } from '../../session/step-cache.ts';

/** A model whose sessions are watched. */
export interface WatchedModel {
  readonly model: Model;
  /** Sessions that were opened. */
  readonly sessions: readonly GraphSession[];
  /** Most bytes of keys and values that one cache held at a run. */
  readonly cacheBytes: number;
}

/** Watches what is opened and run from now on. */
export function watchModel(model: Model): WatchedModel {
  const sessions: GraphSession[] = [];
  let cacheBytes = 0;
  const watch = (cache: StepCache): StepCache['run'] => {
    return (...run) => {
      cacheBytes = Math.max(cacheBytes, cache.bytes);
      return cache.run(...run);
    };
  };
  const watched = withSessions(model, session => {
    sessions.push(session);
    return withRuns(session, (...run) => session.run(...run), watch);
  });
  return {
    model: watched,
    sessions,
    get cacheBytes() {
      return cacheBytes;
    },
  };
}

/** The model, but that it never writes `tokenId`: what it writes goes on for as long as it is asked to. */
export function withholdToken(model: Model, tokenId: number): Model {
  const { vocabSize } = model.manifest.dimensions;
  const ruleOut = (logits: Float32Array) => {
    for (let at = tokenId; at < logits.length; at += vocabSize) logits[at] = Number.NEGATIVE_INFINITY;
    return logits;
  };
  return withSessions(model, session =>
    withRuns(
      session,
      async (...run) => {
        const outputs = await session.run(...run);
        const { logits } = outputs;
        if (logits?.dtype === 'float32') ruleOut(logits.data);
        return outputs;
      },
      cache =>
        async (...run) =>
          ruleOut(await cache.run(...run)),
    ),
  );
}

/** The model with graphs that have ports but can't be run: enough to ask which tasks take it. */
export function withoutSessions({ manifest, tokenizer }: Model): Model {
  const openGraph = async (name: GraphName): Promise<GraphSession> => {
    const entry = manifest.graphs[name];
    if (entry !== undefined) return unopened(entry);
    throw new ConfigError({ what: 'graph', expected: Object.keys(manifest.graphs).join(', '), found: name });
  };
  return { manifest, tokenizer, openGraph, dispose: async () => undefined };
}

function unopened({ inputs, outputs }: GraphEntry): GraphSession {
  const run = () =>
    Promise.reject(new ConfigError({ what: 'graph', expected: 'an open one', found: 'its ports only' }));
  return { device: { device: 'cpu', reason: 'not opened' }, inputs, outputs, run, dispose: async () => undefined };
}

/** The model with other sessions; each graph still has one. */
function withSessions(model: Model, change: (session: GraphSession) => GraphSession): Model {
  const { manifest, tokenizer, profile } = model;
  const changed = new Map<GraphName, Promise<GraphSession>>();
  const openGraph = (name: GraphName) => {
    const session = changed.get(name) ?? model.openGraph(name).then(change);
    changed.set(name, session);
    return session;
  };
  const dispose = () => model.dispose();
  return { manifest, tokenizer, ...(profile !== undefined && { profile }), openGraph, dispose };
}

/** A session with other runs, its own and those of its caches. */
function withRuns(
  session: GraphSession,
  run: GraphSession['run'],
  runOf: (cache: StepCache) => StepCache['run'],
): GraphSession {
  const { device, inputs, outputs, workers } = session;
  return {
    device,
    inputs,
    outputs,
    run,
    ...(workers !== undefined && { workers }),
    openCache(dimensions) {
      const cache = session.openCache?.(dimensions) ?? localStepCache(session, dimensions);
      return withCacheRun(cache, runOf(cache));
    },
    dispose: () => session.dispose(),
  };
}

function withCacheRun(cache: StepCache, run: StepCache['run']): StepCache {
  return {
    get slots() {
      return cache.slots;
    },
    get bytes() {
      return cache.bytes;
    },
    get lost() {
      return cache.lost;
    },
    add: (count, room) => cache.add(count, room),
    remove: lane => cache.remove(lane),
    rest: lane => cache.rest(lane),
    gather: lanes => cache.gather(lanes),
    run,
    append: (batch, rows) => cache.append(batch, rows),
  };
}
