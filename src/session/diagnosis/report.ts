/**
 * What a look at a device finds: the one form in which devices, the session provider and `bert4ort doctor` talk about
 * libraries that are not there.
 */
import type { DeviceChoice } from '../session.ts';

/** One thing that keeps a device from working. */
export interface Problem {
  /** The file, with its version where the name doesn't hold it. */
  readonly file: string;
  /** What is wrong with it: `not found; needed by …`. */
  readonly why: string;
  /** What to do about it. */
  readonly fix: string;
}

/** What was found out about a device. */
export interface DeviceDiagnosis {
  readonly device: DeviceChoice['device'];
  /** Empty when nothing speaks against the device; only running it can prove that it works. */
  readonly problems: readonly Problem[];
  /** What else is worth knowing: drivers, GPUs, libraries that only some operators open. */
  readonly facts: readonly string[];
}
