/**
 * What `bench` needs to know of a task. An entry of the table in tasks.ts is written in terms of the task's own
 * object and items; outside, all tasks look the same.
 */
import type { Manifest } from '../../core/manifest.ts';
import type { RunCounts } from '../../generation/run-counts.ts';
import type { StrategyOptions } from '../../generation/strategy.ts';
import { type Model, tokenizerOf } from '../../model.ts';
import type { JsonLine } from '../json-lines.ts';
import { createTextMaker, type TextMaker } from './made-up-texts.ts';
import type { TaskFlag, Workload } from './workload.ts';

/** Any task's object. */
export interface Counted {
  /** What it has computed so far. */
  readonly counts: RunCounts;
  /** How steps are computed, where there are any. */
  readonly strategy?: { readonly reason: string };
}

/** Sizes of a task's requests by their names in the report; lengths in tokens. */
export type Sizes = Readonly<Record<string, number>>;

/** How a request is to be answered. */
export interface Request {
  /** Exact number of tokens to write, for tasks that write. */
  readonly newTokens: number;
  readonly signal: AbortSignal;
}

/** A task, in its own terms: `T` its object, `Item` a request's texts. */
export interface TaskRules<T extends Counted, Item> {
  /** Flags of the workload that change something. */
  flags(manifest: Manifest): readonly TaskFlag[];
  /** Whether tokens are written one after another. */
  writes(manifest: Manifest): boolean;
  /** Sizes of requests; those of `--input` are what they are. @throws MisuseError for what the model has no room for. */
  sizes(manifest: Manifest, workload: Workload): Sizes;
  /** @throws ConfigError when the model can't serve the task. */
  open(model: Model, strategy: StrategyOptions): Promise<T>;
  /** An item of made-up texts. */
  make(maker: TextMaker, sizes: Sizes, model: Model): Item;
  /** An item from a line, as in the task's own command. @throws InputError. */
  read(line: JsonLine): Item;
  /** Answers an item; returns the number of new tokens. */
  ask(task: T, item: Item, request: Request, sizes: Sizes): Promise<number>;
}

/** A task as the measurement sees it. */
export interface BenchTask extends Pick<TaskRules<Counted, unknown>, 'flags' | 'writes' | 'open'> {
  /** Decides on the requests; they are the same for every pass. */
  plan(model: Model, workload: Workload, lines: readonly JsonLine[] | undefined): BenchPlan;
}

/** What will be asked. */
export interface BenchPlan {
  readonly sizes: Sizes;
  /** Number of requests. */
  readonly requests: number;
  /** Opens the task afresh, so that nothing is left of earlier passes but open sessions. */
  open(): Promise<OpenTask>;
}

/** An open task with its requests. */
export interface OpenTask extends Counted {
  /** Answers request `index`; returns the number of new tokens. */
  ask(index: number, request: Request): Promise<number>;
}

/** Closes a task's own terms off. */
export function defineTask<T extends Counted, Item>(rules: TaskRules<T, Item>): BenchTask {
  return {
    flags: manifest => rules.flags(manifest),
    writes: manifest => rules.writes(manifest),
    open: (model, strategy) => rules.open(model, strategy),
    plan(model, workload, lines) {
      const sizes = rules.sizes(model.manifest, workload);
      const items = lines?.map(line => rules.read(line)) ?? makeItems(rules, sizes, model, workload);
      const open = async (): Promise<OpenTask> => {
        const task = await rules.open(model, strategyOf(workload));
        return {
          ...(task.strategy !== undefined && { strategy: task.strategy }),
          async ask(index, request) {
            const item = items[index];
            return item === undefined ? 0 : rules.ask(task, item, request, sizes);
          },
          get counts() {
            return task.counts;
          },
        };
      };
      return { sizes, requests: items.length, open };
    },
  };
}

/** The choice of `--cache`. */
export function strategyOf({ cache }: Workload): StrategyOptions {
  return cache === 'on' || cache === 'off' ? { cache } : {};
}

function makeItems<T extends Counted, Item>(
  rules: TaskRules<T, Item>,
  sizes: Sizes,
  model: Model,
  { items, concurrency, spread = 0 }: Workload,
): readonly Item[] {
  const maker = createTextMaker(tokenizerOf(model), spread);
  return Array.from({ length: items ?? Math.max(4, concurrency) }, () => rules.make(maker, sizes, model));
}
