/**
 * `bert4ort.profile.json`: what was measured about a model on the machines that have run it, beside its manifest. An entry
 * holds for one device, processor or GPU, number of threads, version of ONNX Runtime and of bert4ort, and graph; where one
 * of them differs, it is out of date and not used. The values of weights are not part of it: they change no time.
 */
import { child, count, list, nullable, object, oneOf, parseJson, string, wrong } from './json-reader.ts';
import { VERSION } from './version.ts';

/** Name of the profile inside a model directory. */
export const PROFILE_FILE = 'bert4ort.profile.json';

/** Version of the profile's layout. */
const PROFILE_VERSION = 1;

/** What a measurement holds for. */
export interface ProfileKey {
  readonly device: string;
  /** Name of the processor, or of the GPU. */
  readonly hardware: string;
  /** CPU threads inside one run. */
  readonly threads: number;
  /** ONNX Runtime with its version. */
  readonly runtime: string;
  /** bert4ort with its version. */
  readonly tool: string;
  /** Size of the graph file in bytes, and its SHA-256 where the manifest has it. */
  readonly graph: { readonly size: number; readonly sha256: string | null };
}

/** One decoding step for a sequence of `tokens`, in microseconds: with the cache, and computed again as a whole. */
export interface StepTiming {
  readonly tokens: number;
  readonly cached: number;
  readonly recomputed: number;
}

/** What was measured for a key, and what follows. */
export interface ProfileEntry extends ProfileKey {
  /** Calls over at most so many tokens, all hypotheses together, are computed without the cache. 0: none. */
  readonly recomputeUpTo: number;
  /** Shortest first. */
  readonly steps: readonly StepTiming[];
}

/** The profile. */
export interface StrategyProfile {
  readonly profileVersion: typeof PROFILE_VERSION;
  readonly entries: readonly ProfileEntry[];
}

/** What is measured, and on what. */
export interface Measured {
  readonly graph: { readonly size: number; readonly sha256?: string };
  readonly device: string;
  /** Absent where the platform does not say what it runs on. */
  readonly hardware?: { readonly name: string; readonly threads: number; readonly runtime: string };
}

/** Where a model's profile is kept. */
export interface ProfileStore {
  /** What was measured before, if it is up to date. @throws IoError, FormatError when it can't be read. */
  find(measured: Measured): Promise<ProfileEntry | undefined>;
  /**
   * Puts a measurement in the place of the one before.
   * @returns why it could not be kept; undefined when it was.
   */
  keep(measured: Measured, result: Pick<ProfileEntry, 'recomputeUpTo' | 'steps'>): Promise<string | undefined>;
}

/** What a measurement holds for; undefined where the platform does not say what it runs on. */
export function profileKey({ graph, device, hardware }: Measured): ProfileKey | undefined {
  if (hardware === undefined) return undefined;
  const { name, threads, runtime } = hardware;
  const { size, sha256 = null } = graph;
  return { device, hardware: name, threads, runtime, tool: `bert4ort ${VERSION}`, graph: { size, sha256 } };
}

/** A profile without entries. */
export const EMPTY_PROFILE: StrategyProfile = { profileVersion: PROFILE_VERSION, entries: [] };

/**
 * Parses the text of a profile.
 * @param file how the user knows the file, for errors.
 * @throws FormatError naming the JSON path, what was expected there and what was found.
 */
export function parseProfile(text: string, file: string = PROFILE_FILE): StrategyProfile {
  const place = parseJson(text, file);
  const version = child(place, 'profileVersion');
  if (version.value !== PROFILE_VERSION) throw wrong(version, `${PROFILE_VERSION} (delete the file to measure anew)`);
  return profile(place);
}

/** The text of a profile; `parseProfile` gives back an equal one. */
export function formatProfile(value: StrategyProfile): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** The entry for a key, if it is there and up to date. */
export function findEntry({ entries }: StrategyProfile, key: ProfileKey): ProfileEntry | undefined {
  return entries.find(entry => samePlace(entry, key) && sameVersion(entry, key));
}

/** The profile with an entry in the place of what was measured there before. */
export function withEntry({ entries, ...rest }: StrategyProfile, entry: ProfileEntry): StrategyProfile {
  return { ...rest, entries: [...entries.filter(other => !samePlace(other, entry)), entry] };
}

function samePlace(a: ProfileKey, b: ProfileKey): boolean {
  return a.device === b.device && a.hardware === b.hardware && a.threads === b.threads;
}

function sameVersion(a: ProfileKey, b: ProfileKey): boolean {
  return (
    a.runtime === b.runtime && a.tool === b.tool && a.graph.size === b.graph.size && a.graph.sha256 === b.graph.sha256
  );
}

const profile = object<StrategyProfile>({
  profileVersion: oneOf(PROFILE_VERSION),
  entries: list(
    object<ProfileEntry>({
      device: string,
      hardware: string,
      threads: count,
      runtime: string,
      tool: string,
      graph: object<ProfileKey['graph']>({ size: count, sha256: nullable(string) }),
      recomputeUpTo: count,
      steps: list(object<StepTiming>({ tokens: count, cached: count, recomputed: count })),
    }),
  ),
});
