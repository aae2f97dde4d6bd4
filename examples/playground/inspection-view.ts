/**
 * Shows what was found in a checkpoint, before anything is converted.
 */
import { type Fact, make, makeWord, showFacts } from './elements.ts';
import type { Inspection, PlanSummary } from './inspect.ts';
import { grouped, megabytes } from './quantities.ts';

/** Names shown of a longer list. */
const SHOWN = 8;

/** Shows the findings. */
export function showFindings(
  target: HTMLElement,
  { format, tensors, elements, bytes, skipped, fit }: Inspection,
): void {
  const amount = make('span', '', `${tensors} · ${(elements / 1e6).toFixed(2)} M `, makeWord('span', '', 'elements'));
  amount.append(` · ${megabytes(bytes)}`);
  if (skipped > 0) amount.append(` · ${skipped} `, makeWord('span', '', 'setAside'));
  const facts: Fact[] = [
    ['format', format],
    ['tensors', amount],
  ];
  showFacts(target, fit === undefined ? facts : [...facts, ...planFacts(fit.plan)]);
}

function planFacts(plan: PlanSummary): readonly Fact[] {
  const tags = plan.tasks.map(name => makeWord('span', 'tag', name));
  const tasks: Fact = ['tasksFit', tags.length === 0 ? makeWord('span', '', 'noTask') : make('span', 'tags', ...tags)];
  return [
    ['architecture', `${plan.architecture} · ${plan.application}`],
    ['scheme', plan.scheme],
    ['sizes', sizes(plan)],
    ['missing', namesOrNone(plan.problems, 'bad')],
    ['unused', namesOrNone(plan.unused, '')],
    ...(plan.problems.length === 0 ? [tasks] : []),
  ];
}

function sizes({ dimensions }: PlanSummary): HTMLElement {
  const { layers, hidden, heads, vocabSize, maxPositions } = dimensions;
  const all = [
    ['layers', layers],
    ['hidden', hidden],
    ['heads', heads],
    ['positions', maxPositions ?? 0],
    ['vocabSize', vocabSize],
  ] as const;
  const parts = all.filter(([, value]) => value > 0);
  return make(
    'span',
    'sizes',
    ...parts.map(([word, value]) => make('span', '', make('b', '', grouped(value)), ' ', makeWord('span', '', word))),
  );
}

/** The number of names, with the first of them in a list to be opened. */
function namesOrNone(names: readonly string[], className: string): HTMLElement {
  if (names.length === 0) return makeWord('span', 'good', 'nothing');
  const rest = names.length - SHOWN;
  const items = names.slice(0, SHOWN).map(name => make('li', '', name));
  const more = rest > 0 ? [make('li', '', `+ ${rest}`)] : [];
  const list = make('ul', 'names', ...items, ...more);
  list.lang = 'en';
  return make('details', className, make('summary', '', grouped(names.length)), list);
}
