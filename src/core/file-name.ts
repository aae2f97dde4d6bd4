/**
 * Which names of files are safe to open on any platform. A manifest is data from elsewhere, and so is a file name that a
 * model's own graph gives.
 */

/** Whether a name stays inside its folder: relative, forward slashes, no `.` or `..`, no drive letter, no NUL. */
export function staysInside(name: string): boolean {
  const leaves = name.split('/').some(part => part === '' || part === '.' || part === '..');
  return !leaves && !/[\\\0]|^[A-Za-z]:/.test(name);
}
