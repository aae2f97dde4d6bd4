/**
 * What the tasks that read masks ask of a model.
 */
import { ConfigError } from '../core/errors.ts';
import type { Manifest } from '../core/manifest.ts';

/** Refuses a model that is no encoder with token logits. @throws ConfigError. */
export function requireMaskedModel({ architecture, application, graphs }: Manifest): void {
  if (graphs.read !== undefined) return;
  throw new ConfigError({
    what: 'model',
    expected: 'an encoder with token logits',
    found: `${architecture} (${application})`,
    next: 'Convert a masked language model with --with-mlm.',
  });
}
