/**
 * The part of jsfive 0.4.2 that we use; the package ships no types. Names with an underscore are its internals: only
 * they tell where an object lies. `jsfive-file.ts` is the only importer.
 */
declare module 'jsfive' {
  /** What jsfive knows about an object's header. */
  interface DataObjects {
    /** Size in bytes and content of the variable-length element stored at `offset`; undefined when the heap lacks it. */
    _vlen_size_and_data(file: ArrayBuffer, offset: number): [number, ArrayBuffer | undefined];
  }

  /** An opened group. */
  export class Group {
    /** Link name → address of an object header, or the path of a soft link. */
    readonly _links: Readonly<Record<string, number | string>>;
    readonly _dataobjects: DataObjects;
    /** Opens a group or dataset. @throws strings, TypeErrors and RangeErrors. */
    get(name: string): unknown;
  }

  /** The root group of a file held in memory. @throws strings, TypeErrors and RangeErrors. */
  export class File extends Group {
    constructor(file: ArrayBuffer, name: string);
  }
}
