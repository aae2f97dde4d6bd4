/**
 * What `bert4ort doctor` finds out, as `--json` prints it.
 */
import type { Machine } from '../session/diagnosis/machine.ts';
import type { OrtBackend } from '../session/diagnosis/ort.ts';
import type { PlacedNode, Placement } from '../session/diagnosis/placement.ts';
import type { DeviceDiagnosis } from '../session/diagnosis/report.ts';

/** A device with what trying it gave; `works` is null for a device that wasn't asked for, and so wasn't tried. */
export interface DeviceReport extends DeviceDiagnosis {
  readonly works: boolean | null;
  readonly found: string;
}

/** A graph of the model. */
export interface GraphReport {
  readonly graph: string;
  /** Bytes of its files; an open session holds about as much again in memory. */
  readonly bytes: number;
  readonly placements: readonly Placement[];
  /** The nodes that run elsewhere than on the device asked for. */
  readonly strays: readonly PlacedNode[];
  /** Why the graph couldn't be run, where it couldn't. */
  readonly problem: string | null;
}

/** Everything that is found out. */
export interface DoctorReport {
  readonly ok: boolean;
  readonly bert4ort: string;
  readonly onnxruntimeNode: string | null;
  readonly machine: Machine;
  readonly backends: readonly OrtBackend[];
  readonly devices: readonly DeviceReport[];
  readonly graphs: readonly GraphReport[];
}
