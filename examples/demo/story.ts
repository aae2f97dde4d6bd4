/** How the demo shows what happened. */
import Table from 'cli-table3';

/** What one passage said before anything was merged. */
export interface PassageVote {
  readonly passage: string;
  /** The token it would begin its answer with. */
  readonly begins: string;
  readonly probability: number;
  readonly kept: boolean;
}

/** A table of votes; columns are aligned by display width. */
export function votesTable(votes: readonly PassageVote[]): string {
  const table = new Table({
    head: ['passage', 'would begin with', ''],
    style: { head: [], border: [] },
    colWidths: [58, 22, 9],
    wordWrap: true,
    wrapOnWordBoundary: false,
  });
  for (const { passage, begins, probability, kept } of votes) {
    table.push([passage, `${begins}  ${(probability * 100).toFixed(1)} %`, kept ? 'votes' : 'dropped']);
  }
  return table.toString();
}

/** Time since `performance.now()` gave `since`, in words. */
export function seconds(since: number): string {
  const elapsed = performance.now() - since;
  return elapsed < 1000 ? `${elapsed.toFixed(0)} ms` : `${(elapsed / 1000).toFixed(1)} s`;
}
