/** What is said about devices before a session is created: libraries are looked for as the loader would, none is loaded. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { FormatError, IoError } from '../../../src/core/errors.ts';
import { diagnoseCuda } from '../../../src/session/diagnosis/cuda.ts';
import { cudaBuildOf, cudaBuilds, cudaLibraryFix } from '../../../src/session/diagnosis/cuda-table.ts';
import { readElfDependencies } from '../../../src/session/diagnosis/elf.ts';
import {
  type LoaderPaths,
  locateLibrary,
  systemLoaderPaths,
  traceLibraries,
} from '../../../src/session/diagnosis/loader.ts';
import { findOrtPackage, holdsVersion, listOrtBackends } from '../../../src/session/diagnosis/ort.ts';
import { findVulkanDrivers } from '../../../src/session/diagnosis/vulkan.ts';
import { DYNAMIC_OFFSET, elfFile } from './elf-builder.ts';

let folder = '';
const place = (...parts: string[]) => path.join(folder, ...parts);
const write = (file: string, content: Uint8Array | string) => {
  mkdirSync(path.dirname(place(file)), { recursive: true });
  writeFileSync(place(file), content);
  return place(file);
};
const loaderOf = (parts: Partial<LoaderPaths>): LoaderPaths => ({
  libraryPath: [],
  cache: new Map(),
  folders: [],
  ...parts,
});

before(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'bert4ort-diagnosis-'));
});
after(() => rmSync(folder, { recursive: true }));

describe('dependencies of a shared library', () => {
  it('are read from its dynamic section, $ORIGIN put in', () => {
    const file = write(
      'elf/a.so',
      elfFile({ needed: ['libb.so.1', 'libc.so.6'], runpath: `$ORIGIN:/opt/lib:$${'{ORIGIN}'}/x` }),
    );
    assert.deepEqual(readElfDependencies(file), {
      needed: ['libb.so.1', 'libc.so.6'],
      searchPaths: [place('elf'), '/opt/lib', place('elf/x')],
    });
  });

  it('take the older RPATH only where there is no RUNPATH', () => {
    assert.deepEqual(readElfDependencies(write('r.so', elfFile({ rpath: '/old' }))).searchPaths, ['/old']);
    const both = write('both.so', elfFile({ rpath: '/old', runpath: '/new' }));
    assert.deepEqual(readElfDependencies(both).searchPaths, ['/new']);
  });

  it('agree with readelf on the library of onnxruntime-node', function () {
    const file = path.join(findOrtPackage()?.folder ?? '', 'libonnxruntime.so.1');
    if (!existsSync(file) || !existsSync('/usr/bin/readelf')) this.skip();
    const text = execFileSync('/usr/bin/readelf', ['-d', file], { encoding: 'utf8' });
    const needed = [...text.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(match => match[1]);
    assert.ok(needed.length > 3);
    const found = readElfDependencies(file);
    assert.deepEqual(found, { needed, searchPaths: [path.dirname(file)] });
  });

  it('of a damaged or foreign file are a FormatError, whatever the damage', () => {
    const whole = elfFile({ needed: ['libb.so.1'], runpath: '/x' });
    assert.throws(() => readElfDependencies(write('no.so', 'not a library '.repeat(9))), /64-bit little-endian ELF/);
    assert.throws(() => readElfDependencies(place('absent.so')), IoError);
    const far = Uint8Array.from(whole);
    // The string table's address, in the third entry, is moved out of the file.
    new DataView(far.buffer).setBigUint64(DYNAMIC_OFFSET + 2 * 16 + 8, 1n << 40n, true);
    assert.throws(() => readElfDependencies(write('far.so', far)), /inside a loaded segment; found 1099511627776/);
    const property = fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, byte, cut) => {
      const bytes = Uint8Array.from(whole).subarray(0, cut);
      if (at < cut) bytes[at] = byte;
      try {
        assert.ok(readElfDependencies(write('fuzz.so', bytes)).needed.length <= 1);
      } catch (error) {
        assert.ok(error instanceof FormatError, String(error));
      }
    });
    fc.assert(property, { numRuns: 300 });
  });
});

describe('the loader', () => {
  it('looks in RUNPATH, LD_LIBRARY_PATH, the cache and the usual folders, in this order', () => {
    const [run, env, cached, usual] = ['1', '2', '3', '4'].map(n => write(`order/${n}/lib.so`, ''));
    const loader = loaderOf({
      libraryPath: [place('order/2')],
      cache: new Map([['lib.so', cached ?? '']]),
      folders: [place('order/4')],
    });
    assert.equal(locateLibrary('lib.so', [place('order/1')], loader), run);
    assert.equal(locateLibrary('lib.so', [], loader), env);
    assert.equal(locateLibrary('lib.so', [], { ...loader, libraryPath: [] }), cached);
    assert.equal(locateLibrary('lib.so', [], loaderOf({ folders: loader.folders })), usual);
    assert.equal(locateLibrary('other.so', [], loader), undefined);
  });

  it('is followed through libraries of libraries, each with its own RUNPATH', () => {
    const top = write('trace/top.so', elfFile({ needed: ['mid.so', 'gone.so'], runpath: '$ORIGIN/deep' }));
    const mid = write('trace/deep/mid.so', elfFile({ needed: ['leaf.so', 'top.so', 'torn.so'], runpath: '$ORIGIN' }));
    write('trace/deep/torn.so', 'torn');
    const { found, missing } = traceLibraries(top, loaderOf({}));
    assert.deepEqual([...found.keys()], ['top.so', 'mid.so', 'torn.so']);
    assert.deepEqual(
      missing.map(({ name, neededBy }) => [name, neededBy]),
      [
        ['gone.so', top],
        ['leaf.so', mid],
        ['torn.so', place('trace/deep/torn.so')],
      ],
    );
    assert.match(missing[2]?.why ?? '', /ELF header/);
  });

  it('of this machine finds the C library', function () {
    if (process.platform !== 'linux' || !existsSync('/sbin/ldconfig')) this.skip();
    assert.ok(existsSync(locateLibrary('libc.so.6', [], systemLoaderPaths()) ?? ''));
  });
});

describe('CUDA', () => {
  before(function () {
    if (process.platform !== 'linux' || process.arch !== 'x64') this.skip();
  });

  it('names every file that is missing where there is nothing', () => {
    const { problems } = diagnoseCuda({ version: '9.8.7', folder: place('bare') }, loaderOf({}));
    const [newest] = cudaBuilds;
    assert.deepEqual(
      problems.map(problem => problem.file),
      ['libonnxruntime_providers_shared.so 9.8.7', 'libonnxruntime_providers_cuda.so 9.8.7', ...(newest?.needed ?? [])],
    );
    assert.match(problems[0]?.fix ?? '', /onnxruntime-node@9\.8\.7 --onnxruntime-node-install=cuda12/);
  });

  it('takes the list of the provider itself, and what belongs to its CUDA', () => {
    write('twelve/libonnxruntime_providers_shared.so', elfFile({}));
    write('twelve/libonnxruntime_providers_cuda.so', elfFile({ needed: ['libcudart.so.12', 'libcudnn.so.9'] }));
    const lib = write('cuda12/libcudart.so.12', elfFile({}));
    const ort = { version: '1.30.0', folder: place('twelve') };
    const { problems, facts } = diagnoseCuda(ort, loaderOf({ libraryPath: [path.dirname(lib)] }));
    assert.deepEqual(
      problems.map(({ file, fix }) => [file, fix]),
      [['libcudnn.so.9', cudaLibraryFix('libcudnn.so.9', cudaBuildOf(['libcudart.so.12']))]],
    );
    assert.match(problems[0]?.fix ?? '', /libcudnn9-cuda-12.*nvidia-cudnn-cu12/);
    assert.equal(facts[0], 'provider built for CUDA 12');
  });

  it('knows a source for every library in its table', () => {
    for (const build of cudaBuilds) {
      for (const name of [...build.needed, ...build.openedLater]) {
        assert.match(
          cudaLibraryFix(name, build),
          name === 'libcuda.so.1' ? /driver/ : /^apt install .*pip install/,
          name,
        );
      }
    }
  });
});

describe('Vulkan drivers', () => {
  const manifest = (library: string) =>
    JSON.stringify({ file_format_version: '1.0.0', ICD: { library_path: library } });

  it('are those of the variables, else of the folders, with the library each leads to', () => {
    const near = write('vk/near.json', manifest('./libnear.so'));
    const library = write('vk/libnear.so', '');
    const system = write('vk/xdg/vulkan/icd.d/system.json', manifest('libsystem.so'));
    const bare = {
      HOME: folder,
      XDG_CONFIG_HOME: place('none'),
      XDG_CONFIG_DIRS: place('none'),
      XDG_DATA_HOME: place('none'),
    };
    const environment = { ...bare, XDG_DATA_DIRS: place('vk/xdg') };
    const ours = (drivers: ReturnType<typeof findVulkanDrivers>) =>
      drivers.filter(driver => driver.manifest.startsWith(folder));
    assert.deepEqual(findVulkanDrivers({ VK_ICD_FILENAMES: near, XDG_DATA_DIRS: place('vk/xdg') }, loaderOf({})), [
      { manifest: near, library },
    ]);
    assert.deepEqual(ours(findVulkanDrivers({ ...environment, VK_ADD_DRIVER_FILES: near }, loaderOf({}))), [
      { manifest: near, library },
      { manifest: system, problem: 'libsystem.so not found' },
    ]);
    assert.deepEqual(
      findVulkanDrivers({ VK_DRIVER_FILES: place('vk/absent.json'), VK_ICD_FILENAMES: near }, loaderOf({})),
      [{ manifest: place('vk/absent.json'), problem: 'not found' }],
    );
  });

  it('with a manifest that is none say so', () => {
    for (const [name, text] of [
      ['list.json', '[]'],
      ['torn.json', '{'],
    ] as const) {
      const file = write(`vk/${name}`, text);
      const [driver] = findVulkanDrivers({ VK_DRIVER_FILES: file }, loaderOf({}));
      assert.match(driver?.problem ?? '', /^no Vulkan driver manifest: /);
    }
  });
});

describe('onnxruntime-node', () => {
  it('is found without being loaded, and lists its backends', async () => {
    const ort = findOrtPackage();
    assert.match(ort?.version ?? '', /^1\.\d+\.\d+$/);
    assert.ok(existsSync(path.join(ort?.folder ?? '', 'onnxruntime_binding.node')));
    assert.ok((await listOrtBackends()).some(({ name, bundled }) => name === 'cpu' && bundled));
  });

  it('has its version searched for in a library, across the blocks that are read', () => {
    const bytes = Buffer.alloc((1 << 22) + 100);
    bytes.write('\x001.30.0\0', (1 << 22) - 4, 'latin1');
    bytes.write('11.29.0\0', 50, 'latin1');
    const file = write('provider.so', bytes);
    assert.equal(holdsVersion(file, '1.30.0'), true);
    assert.equal(holdsVersion(file, '1.29.0'), false);
  });
});
