/**
 * A device that is asked for by name is used or refused, never replaced by another.
 */
import { ConfigError } from '../core/errors.ts';
import type { Device } from './session.ts';

/** What a platform has, by device. */
export type DeviceTable<Name extends Device> = Readonly<Record<Name, unknown>>;

/**
 * The device of a name, with the reason that it was named.
 * @throws ConfigError when the platform has no such device, naming those it has.
 */
export function deviceNamed<Name extends Device>(
  name: Device,
  devices: DeviceTable<Name>,
): { readonly device: Name; readonly reason: string } {
  if (isIn(devices, name)) return { device: name, reason: 'asked for by name' };
  throw new ConfigError({
    what: 'device',
    expected: `one of auto, ${Object.keys(devices).join(', ')} on this platform`,
    found: name,
  });
}

function isIn<Name extends Device>(devices: DeviceTable<Name>, name: Device): name is Name {
  return Object.hasOwn(devices, name);
}
