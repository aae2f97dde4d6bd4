/**
 * CPU, CUDA and WebGPU side by side on a BERT of base size (12 layers, hidden size 768, meaningless weights): whole
 * passes over batches, and decoding with a cache against computing everything again. In Node the cache crosses PCIe in
 * each step on CUDA and WebGPU, so which of the two is faster there is a question for this file.
 *
 *     npx tsx test/bench/gpu/main.ts [--layers 12] [--devices cpu,cuda,webgpu] [--budget 20] [--out gpu.json]
 *         [--providers DIR] [--libraries DIR:DIR]
 *
 * --providers copies ONNX Runtime's CUDA provider from a folder (`onnxruntime/capi` of an unpacked onnxruntime-gpu wheel of
 * onnxruntime-node's version) to where onnxruntime-node looks for it; --libraries is put before LD_LIBRARY_PATH (the `lib`
 * folders of NVIDIA's wheels). Nothing else is installed. A device that can't be used is reported with the reason. Each
 * device runs in a process of its own, since a driver that fails may take its process with it.
 */
import { spawn } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { convert } from '../../../converters/index.ts';
import { directorySink } from '../../../src/io/directory-sink.ts';
import { splitPath } from '../../../src/io/file-source.ts';
import { diagnoseDevice } from '../../../src/session/diagnosis/device.ts';
import { describeMachine } from '../../../src/session/diagnosis/machine.ts';
import { findOrtPackage } from '../../../src/session/diagnosis/ort.ts';
import { writeBaseCheckpoint } from '../base-checkpoint.ts';
import type { DeviceResult } from './device-run.ts';

const { values: flags } = parseArgs({
  options: {
    layers: { type: 'string', default: '12' },
    devices: { type: 'string', default: 'cpu,cuda,webgpu' },
    budget: { type: 'string', default: '20' },
    out: { type: 'string' },
    providers: { type: 'string' },
    libraries: { type: 'string' },
  },
});

const ort = findOrtPackage();
if (flags.providers !== undefined && ort !== undefined) {
  for (const name of ['shared', 'cuda']) {
    const file = `libonnxruntime_providers_${name}.so`;
    await copyFile(path.join(flags.providers, file), path.join(ort.folder, file));
  }
}

const folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-gpu-'));
try {
  await writeModels(Number(flags.layers));
  const results: DeviceResult[] = [];
  for (const device of flags.devices.split(',')) {
    const result = await runDevice(device);
    results.push(result);
    print(result, results[0] ?? result);
  }
  const report = {
    machine: describeMachine(),
    onnxruntimeNode: ort?.version,
    gpus: diagnoseDevice('cuda').facts,
    vulkan: diagnoseDevice('webgpu').facts,
    model: `BERT, ${flags.layers} layers, hidden 768, 21128 tokens, float32`,
    results,
  };
  if (flags.out !== undefined) await writeFile(flags.out, `${JSON.stringify(report, null, 2)}\n`);
} finally {
  await rm(folder, { recursive: true });
}

/** `encoder` for whole passes, without the head that would dominate them, and `lm` for decoding. */
async function writeModels(layers: number): Promise<void> {
  await writeBaseCheckpoint(folder, { config: { num_hidden_layers: layers } });
  for (const application of ['encoder', 'lm']) {
    const options = {
      checkpoint: await splitPath(path.join(folder, 'bert_model.ckpt')),
      config: new Uint8Array(await readFile(path.join(folder, 'bert_config.json'))),
      keywords: { model: 'bert', application },
      link: true,
    };
    await convert(options, await directorySink(path.join(folder, application)));
  }
}

/** Runs `device-run.ts` and reads the one line that it prints. */
function runDevice(device: string): Promise<DeviceResult> {
  const script = path.join(import.meta.dirname, 'device-run.ts');
  const libraries = [flags.libraries, process.env['LD_LIBRARY_PATH']].filter(Boolean).join(':');
  const child = spawn(process.execPath, ['--import', 'tsx', script, device, folder, flags.budget], {
    env: { ...process.env, LD_LIBRARY_PATH: libraries },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', chunk => {
    text += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      const line = text.split('\n').find(one => one.startsWith('{'));
      const ended = {
        device,
        unavailable: `its process ended with ${signal ?? `code ${code}`}`,
        forward: [],
        decode: [],
      };
      resolve(line === undefined ? ended : JSON.parse(line));
    });
  });
}

function print(result: DeviceResult, first: DeviceResult): void {
  const { device, unavailable, agreement, placements, forward, decode } = result;
  if (unavailable !== undefined) {
    console.log(`${device}: not available. ${unavailable}`);
    return;
  }
  const places = placements?.map(({ provider, nodes }) => `${nodes} ${provider.replace('ExecutionProvider', '')}`);
  console.log(`${device}: ${agreement?.toExponential(1)} from the CPU; operators ${places?.join(', ')}`);
  for (const [i, { batch, length, ms }] of forward.entries()) {
    const speedup = (first.forward[i]?.ms ?? Number.NaN) / ms;
    console.log(`  pass ${batch} x ${length}: ${ms.toFixed(1)} ms, ${speedup.toFixed(1)} times ${first.device}`);
  }
  for (const { sequences, past, cachedMs, recomputeMs, cacheBytes } of decode) {
    const [cached, again] = [cachedMs.toFixed(1), recomputeMs.toFixed(1)];
    const bytes = (cacheBytes / 1e6).toFixed(1);
    console.log(
      `  step ${sequences} x past ${past}: ${cached} ms with the cache (${bytes} MB), ${again} ms without, ratio ${(recomputeMs / cachedMs).toFixed(2)}`,
    );
  }
}
