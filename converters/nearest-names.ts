/**
 * Names close to one that was not found, for error messages: Levenshtein distance over the characters of the names.
 */

/** At most this share of a name may differ for another to be worth showing. */
const FARTHEST = 0.4;

/** The names closest to `sought`, best first, at most `limit`; none when all are far away. */
export function nearestNames(sought: string, names: Iterable<string>, limit = 3): string[] {
  const farthest = Math.floor(sought.length * FARTHEST);
  const near: { name: string; distance: number }[] = [];
  for (const name of names) {
    if (Math.abs(name.length - sought.length) > farthest) continue;
    const distance = editDistance(sought, name);
    if (distance <= farthest) near.push({ name, distance });
  }
  near.sort((a, b) => a.distance - b.distance);
  return near.slice(0, limit).map(({ name }) => name);
}

/** Insertions, deletions and replacements that turn one string into the other. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
