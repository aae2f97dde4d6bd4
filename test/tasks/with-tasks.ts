/** A loaded model as it would be with other task settings in its manifest; the sessions are the model's own. */
import type { Manifest } from '../../src/core/manifest.ts';
import type { Model } from '../../src/model.ts';

/** `model` with `tasks` in place of its manifest's. */
export function withTasks(model: Model, tasks: Manifest['tasks']): Model {
  const { tokenizer } = model;
  const manifest = { ...model.manifest, tasks };
  return { manifest, tokenizer, openGraph: name => model.openGraph(name), dispose: () => model.dispose() };
}
