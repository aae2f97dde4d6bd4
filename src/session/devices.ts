/**
 * A device that is asked for by name is used or refused, never replaced by another.
 */
import { ConfigError } from '../core/errors.ts';
import type { Device, DeviceChoice } from './session.ts';

/** One device of a platform. */
export interface DeviceSpec {
  readonly device: DeviceChoice['device'];
  /** What a user can do when a session on it can't be created. */
  readonly whenRefused: string;
}

/**
 * The device of a name, with the reason that it was named.
 * @throws ConfigError when the platform has no such device, naming those it has.
 */
export function deviceNamed<Spec extends DeviceSpec>(
  name: Device,
  devices: readonly Spec[],
): Spec & { readonly reason: string } {
  const named = devices.find(({ device }) => device === name);
  if (named !== undefined) return { ...named, reason: 'asked for by name' };
  throw new ConfigError({
    what: 'device',
    expected: `one of auto, ${devices.map(({ device }) => device).join(', ')} on this platform`,
    found: name,
  });
}
