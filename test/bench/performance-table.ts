/**
 * Tables of docs/performance.md, written by the scripts that measure them, between two markers each.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';

const PAGE = new URL('../../docs/performance.md', import.meta.url);

/**
 * Prints a table and, with `--write` on the command line, puts it into docs/performance.md between `<!-- name -->` and
 * `<!-- /name -->`, under a line that says where it was measured.
 * @throws Error when the page has no such markers.
 */
export async function report(name: string, rows: readonly (readonly string[])[], notes: readonly string[] = []) {
  const [head = [], ...body] = rows;
  const lines = [head, head.map(() => '---'), ...body].map(cells => `| ${cells.join(' | ')} |`);
  const text = [machine(), '', ...lines, ...notes.flatMap(note => ['', note])].join('\n');
  console.log(`${text}\n`);
  if (process.argv.includes('--write')) await replaceBetween(name, text);
}

async function replaceBetween(name: string, text: string): Promise<void> {
  const page = await readFile(PAGE, 'utf8');
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/performance.md has no ${begin} … ${end}`);
  await writeFile(PAGE, `${page.slice(0, from + begin.length)}\n\n${text}\n\n${page.slice(to)}`);
}

function machine(): string {
  const model = cpus()[0]?.model.trim();
  return `${cpus().length} × ${model}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.versions.node}.`;
}
