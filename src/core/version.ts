/**
 * The version of the package, as `package.json` has it (a test compares them); a browser can't read that file.
 */

/** Version of bert4ort, `major.minor.patch`. */
export const VERSION = '0.1.0';
