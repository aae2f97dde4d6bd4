/**
 * The house rules that a machine can check: who may import whom, no cycles, file sizes, no loose ends, examples that use
 * only what is exported, and nothing that points outside the repository.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '..');

/** Room → rooms it may import besides itself. The rim may import anything. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  'src/core': [],
  'src/tokenizers': ['src/core'],
  'src/decode': ['src/core'],
  'src/io': ['src/core'],
  'src/session': ['src/core'],
  'src/generation': ['src/core', 'src/decode', 'src/session'],
  'src/model.ts': ['src/core', 'src/tokenizers', 'src/session', 'src/io'],
  'src/tasks': ['src/core', 'src/tokenizers', 'src/decode', 'src/generation', 'src/model.ts', 'src/session'],
  'onnx-graphs': ['src/core'],
  converters: ['src/core', 'src/tokenizers', 'onnx-graphs'],
};

/** Files that may touch Node's modules: the rim, Node's half of io and session, and everything under cli and server. */
const NODE_FILES =
  /^src\/(cli|server)\/|^src\/node\.ts$|^src\/io\/[^/]*(file|directory)[^/]*\.ts$|^src\/session\/(diagnosis\/|[^/]*node)[^/]*\.ts$/;

const sources = listed('src', 'converters', 'onnx-graphs');

const textOf = new Map(sources.map(file => [file, readFileSync(path.join(ROOT, file), 'utf8')]));
const importsOf = new Map([...textOf].map(([file, text]) => [file, importsIn(file, text)]));

describe('house rules', () => {
  it('finds the sources', () => assert.ok(sources.length > 10));

  it('lets rooms import only what they may', () => {
    const forbidden = sources.flatMap(file => {
      const room = roomOf(file);
      const allowed = room === undefined ? undefined : ROOMS[room];
      if (allowed === undefined) return [];
      return (importsOf.get(file) ?? [])
        .filter(
          target => target.startsWith('src/') || target.startsWith('converters/') || target.startsWith('onnx-graphs/'),
        )
        .filter(target => roomOf(target) !== room && !allowed.includes(roomOf(target) ?? 'rim'))
        .map(target => `${file} imports ${target}`);
    });
    assert.deepEqual(forbidden, []);
  });

  it('keeps node: modules at the rim', () => {
    const offenders = sources.filter(
      file => !NODE_FILES.test(file) && importsOf.get(file)?.some(target => target.startsWith('node:')),
    );
    assert.deepEqual(offenders, []);
  });

  it('keeps ONNX Runtime behind src/session', () => {
    const offenders = [...textOf].filter(
      ([file, text]) => !file.startsWith('src/session/') && /from '(onnxruntime-|@huggingface)/.test(text),
    );
    assert.deepEqual(
      offenders.map(([file]) => file),
      [],
    );
  });

  it('has no import cycle', () => assert.deepEqual(findCycle(), []));

  it('keeps files short', () => {
    const lines = sources.map(file => ({ file, count: (textOf.get(file) ?? '').split('\n').length - 1 }));
    const long = lines.filter(({ file, count }) => count > 400 && !/-(data|table)\.ts$/.test(file));
    assert.deepEqual(long, [], 'files over 400 lines');
    const sorted = lines.map(({ count }) => count).sort((a, b) => a - b);
    assert.ok(
      (sorted[Math.floor(sorted.length / 2)] ?? 0) <= 130,
      `median length is ${sorted[Math.floor(sorted.length / 2)]}`,
    );
  });

  it('opens every file with a header that says what it is', () => {
    const bare = [...textOf].filter(([, text]) => !/^(#!.*\n)?\/\*\*/.test(text)).map(([file]) => file);
    assert.deepEqual(bare, []);
  });

  it('shows in examples only what the package exports', () => {
    const faces = ['converters/index.ts', 'src/node.ts', 'src/web.ts'];
    // It makes a file of the package itself.
    const shown = listed('examples').filter(file => !file.startsWith('examples/jieba-data/'));
    const deep = shown.flatMap(file =>
      importsIn(file, readFileSync(path.join(ROOT, file), 'utf8'))
        .filter(target => /^(src|converters|onnx-graphs)\//.test(target) && !faces.includes(target))
        .map(target => `${file} imports ${target}`),
    );
    assert.deepEqual(deep, []);
  });

  it('leaves no loose ends', () => {
    const loose =
      /\bas any\b|: any\b|@ts-(ignore|expect-error|nocheck)|\bTODO\b|\bFIXME\b|biome-ignore|not implemented/;
    const found = [...textOf].flatMap(([file, text]) =>
      text.split('\n').flatMap((line, index) => (loose.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
    );
    assert.deepEqual(found, []);
  });

  it('names nothing outside the repository', () => {
    const outside = /\.\.\/shared\b|\/root\/|\/work\/(main|shared)/;
    const tracked = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: ROOT })
      .toString()
      .split('\n');
    const found = tracked
      .filter(
        file =>
          /\.(ts|mjs|md|json|ya?ml|html|css|sh)$|^\.ci\/|^README/.test(file) && !file.startsWith('test/fixtures/'),
      )
      .filter(file => file !== 'test/rules.test.ts' && existsSync(path.join(ROOT, file)))
      .filter(file => outside.test(readFileSync(path.join(ROOT, file), 'utf8')));
    assert.deepEqual(found, []);
  });
});

/** The TypeScript files of folders that git knows or would. */
function listed(...folders: readonly string[]): string[] {
  return execFileSync('git', ['ls-files', '-co', '--exclude-standard', ...folders], { cwd: ROOT })
    .toString()
    .split('\n')
    .filter(file => file.endsWith('.ts') && existsSync(path.join(ROOT, file)));
}

function roomOf(file: string): string | undefined {
  return Object.keys(ROOMS).find(room => file === room || file.startsWith(`${room}/`));
}

/** Targets of static and dynamic imports: repository paths, or package and node: names. */
function importsIn(file: string, text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '');
  const specifiers = [...code.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g)].map(match => match[1] ?? '');
  return specifiers.map(name => (name.startsWith('.') ? path.posix.join(path.posix.dirname(file), name) : name));
}

/** The files of one import cycle, or none. Type-only imports count: a cycle of types is one of thoughts too. */
function findCycle(): readonly string[] {
  const done = new Set<string>();
  const visit = (file: string, trail: readonly string[]): readonly string[] => {
    if (trail.includes(file)) return [...trail.slice(trail.indexOf(file)), file];
    if (done.has(file)) return [];
    for (const target of importsOf.get(file) ?? []) {
      const cycle = importsOf.has(target) ? visit(target, [...trail, file]) : [];
      if (cycle.length > 0) return cycle;
    }
    done.add(file);
    return [];
  };
  for (const file of sources) {
    const cycle = visit(file, []);
    if (cycle.length > 0) return cycle;
  }
  return [];
}
