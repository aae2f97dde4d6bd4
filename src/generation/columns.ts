/**
 * Where the rows of requests stand in a run. Each request has a line, and its rows follow one another in it; where a source
 * has an encoder of its own, the rows of all sources come before those of all targets, with gaps behind the shorter sources.
 */

/** How many rows a request has in a run, and how many of them, the first, are of a source. */
export interface RowCounts {
  readonly rows: number;
  readonly sources: number;
}

/** The columns of a run. */
export interface Columns {
  /** All columns, and those for sources, which come first. */
  readonly count: number;
  readonly sources: number;
  /** The column of a request's row. */
  of(request: number, row: number): number;
}

/** Columns for these requests, at least `blankSources` of them for sources. */
export function layColumns(requests: readonly RowCounts[], blankSources: number): Columns {
  const sources = Math.max(blankSources, ...requests.map(request => request.sources));
  const targets = Math.max(...requests.map(request => request.rows - request.sources));
  const shifts = requests.map(request => sources - request.sources);
  return {
    count: sources + targets,
    sources,
    of: (request, row) => (row < (requests[request]?.sources ?? 0) ? row : row + (shifts[request] ?? 0)),
  };
}

/** What the columns of a request's line hold, given what its rows hold; -1 in the gaps. */
export function byColumn(values: readonly number[], columns: Columns, request: number): readonly number[] {
  if (columns.sources === 0) return values;
  const line = new Array<number>(columns.count).fill(-1);
  for (const [row, value] of values.entries()) line[columns.of(request, row)] = value;
  return line;
}
