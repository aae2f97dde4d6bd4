/**
 * Memory of a cache in buffers of the GPU: runs read them where they are, and what a run adds is copied to its slots on the
 * GPU too. Every buffer is destroyed when it is not needed any more; a run that fails, as on a lost device, ends them all.
 */
import type { Tensor as OrtTensor } from 'onnxruntime-node';
import { SessionError } from '../core/errors.ts';
import type { Dimensions } from '../core/manifest.ts';
import type { Tensor } from '../core/tensor.ts';
import type { HeadStrides, LaneBatch, SlotRange } from './lane-memory.ts';
import type { OrtRuns, OwnedMemory, PlacedFeed } from './ort-session.ts';
import { type Store, storesOf } from './stores.ts';

/** The buffer of each store; none where there is no slot. */
export type Buffers = readonly GPUBuffer[];

/** What a buffer is for: STORAGE, COPY_SRC and COPY_DST of WebGPU's `GPUBufferUsage`, as ONNX Runtime's own have. */
const USAGE = 0x80 | 0x04 | 0x08;

/** Threads of a group, as the shader below says. */
const GROUP = 64;

/** Most groups along one axis, in every WebGPU. */
const MOST_GROUPS = 65_535;

/** Copies ranges of all heads. `plan`: first the strides, heads and number of ranges, then the ranges, in slots. */
const SHADER = `override size: u32;
@group(0) @binding(0) var<storage, read> source: array<f32>;
@group(0) @binding(1) var<storage, read_write> goal: array<f32>;
@group(0) @binding(2) var<storage, read> plan: array<vec4u>;
@compute @workgroup_size(${GROUP})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let p = plan[0];
  for (var b = id.y; b < p.z * p.w; b += groups.y) {
    let r = plan[1 + b / p.z];
    let at = (r.xy + b % p.z * p.xy) * size;
    if (id.x < r.z * size) { goal[at.y + id.x] = source[at.x + id.x]; }
  }
}`;

/** Memory beside a session on the GPU. */
export class GpuMemory implements OwnedMemory<Buffers> {
  layout: Buffers = [];
  lost = false;
  readonly #device: GPUDevice;
  readonly #session: OrtRuns;
  readonly #heads: number;
  readonly #stores: readonly Store[];
  readonly #pipelines: ReadonlyMap<number, GPUComputePipeline>;
  /** All that must be destroyed some day. */
  readonly #buffers = new Set<GPUBuffer>();
  #plan: GPUBuffer | undefined;
  #rows: readonly OrtTensor[] = [];
  /** Slots of the layout. */
  #capacity = 0;
  /** What the GPU has to say about what it was asked since the last run. */
  readonly #checks: Promise<GPUError | null>[] = [];

  constructor(session: OrtRuns, device: GPUDevice, dimensions: Dimensions) {
    this.#session = session;
    this.#device = device;
    this.#heads = dimensions.heads;
    this.#stores = storesOf(dimensions);
    const module = device.createShaderModule({ code: SHADER });
    const sizes = new Set(this.#stores.map(({ size }) => size));
    const pipelineOf = (size: number): GPUComputePipeline =>
      device.createComputePipeline({ layout: 'auto', compute: { module, constants: { size } } });
    this.#pipelines = new Map([...sizes].map(size => [size, pipelineOf(size)]));
  }

  allocate(slots: number): Buffers {
    if (slots === 0 || this.lost) return [];
    return this.#stores.map(({ size }) => this.#create(slots * size * Float32Array.BYTES_PER_ELEMENT));
  }

  free(area: Buffers): void {
    for (const buffer of area) {
      buffer.destroy();
      this.#buffers.delete(buffer);
    }
  }

  copy(source: Buffers, target: Buffers, strides: HeadStrides, ranges: readonly SlotRange[]): void {
    const count = Math.max(0, ...ranges.map(range => range.count));
    if (count === 0 || source.length === 0 || target.length === 0) return;
    if (source === target) {
      this.#copyWithin(source, strides, ranges);
      return;
    }
    this.#check(() => {
      const plan = this.#planOf(strides, ranges);
      const encoder = this.#device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      this.#stores.forEach(({ size }, i) => {
        const pipeline = this.#pipelines.get(size);
        const buffers = [source[i], target[i], plan];
        if (pipeline === undefined) return;
        pass.setPipeline(pipeline);
        const entries = buffers.flatMap((buffer, binding) => (buffer ? { binding, resource: { buffer } } : []));
        pass.setBindGroup(0, this.#device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
        const groups = Math.ceil((count * size) / GROUP);
        pass.dispatchWorkgroups(groups, Math.min(ranges.length * this.#heads, MOST_GROUPS));
      });
      pass.end();
      this.#device.queue.submit([encoder.finish()]);
    });
  }

  /** In another area, as the GPU does not move what overlaps. */
  resize(lanes: number, used: readonly number[], { from, to }: HeadStrides): void {
    const needed = lanes * this.#heads * to;
    if (from === to && needed <= this.#capacity && needed * 4 >= this.#capacity) return;
    const old = this.layout;
    // Lanes come one after another; slots come for all at once.
    this.#capacity = from === to ? Math.ceil(needed * 1.5) : needed;
    this.layout = this.allocate(this.#capacity);
    const lane = this.#heads;
    const ranges = used.map((count, i) => ({ from: i * lane * from, to: i * lane * to, count }));
    this.copy(old, this.layout, { from, to }, ranges);
    this.free(old);
  }

  async run(feeds: Readonly<Record<string, Tensor>>, lanes: LaneBatch, output: string): Promise<Float32Array> {
    const area = this.#areaOf(lanes);
    try {
      const [error] = (await Promise.all(this.#checks.splice(0))).filter(found => found !== null);
      if (error !== undefined) throw new SessionError({ what: 'cache on the GPU', found: error.message });
      const fetches = [output, ...this.#stores.map(({ output }) => output)];
      return await this.#session.runOn(feeds, this.#past(area, lanes), fetches, ([read, ...rows]) => {
        this.#drop();
        this.#rows = rows.flatMap(row => row ?? []);
        return read?.data as Float32Array;
      });
    } catch (error) {
      this.dispose();
      throw error;
    } finally {
      if (area !== this.layout) this.free(area);
    }
  }

  append(strides: HeadStrides, ranges: readonly SlotRange[]): void {
    const rows = this.#rows.map(({ gpuBuffer }) => gpuBuffer);
    this.copy(rows, this.layout, strides, ranges);
    this.#drop();
  }

  /** Destroys everything; afterwards nothing is kept any more. */
  dispose(): void {
    this.lost = true;
    this.#drop();
    this.layout = [];
    this.free([...this.#buffers]);
  }

  /** ONNX Runtime has the new rows back. */
  #drop(): void {
    for (const row of this.#rows) row.dispose();
    this.#rows = [];
  }

  /** The lanes of a run: the layout itself where they come first, as a run reads buffers from their beginning. */
  #areaOf({ first, count, slots }: LaneBatch): Buffers {
    if (first === 0) return this.layout;
    const area = this.allocate(count * this.#heads * slots);
    const ranges = Array.from({ length: count }, (_, lane) => {
      return { from: (first + lane) * this.#heads * slots, to: lane * this.#heads * slots, count: slots };
    });
    this.copy(this.layout, area, { from: slots, to: slots }, ranges);
    return area;
  }

  #past(area: Buffers, { count, slots }: LaneBatch): Record<string, PlacedFeed> {
    const feeds: Record<string, PlacedFeed> = {};
    this.#stores.forEach(({ name, size }, i) => {
      const buffer = area[i];
      if (buffer !== undefined && count > 0) feeds[name] = { buffer, shape: [count, this.#heads, slots, size] };
    });
    return feeds;
  }

  /** By way of another area: a buffer can't be read and written at once. */
  #copyWithin(area: Buffers, strides: HeadStrides, ranges: readonly SlotRange[]): void {
    for (const { from, to, count } of ranges) {
      const aside = this.allocate(this.#heads * count);
      this.copy(area, aside, { from: strides.from, to: count }, [{ from, to: 0, count }]);
      this.copy(aside, area, { from: count, to: strides.to }, [{ from: 0, to, count }]);
      this.free(aside);
    }
  }

  #planOf(strides: HeadStrides, ranges: readonly SlotRange[]): GPUBuffer {
    const all = [
      [strides.from, strides.to, this.#heads, ranges.length],
      ...ranges.map(({ from, to, count }) => [from, to, count, 0]),
    ];
    const numbers = new Uint32Array(all.flat());
    if (this.#plan === undefined || this.#plan.size < numbers.byteLength) {
      if (this.#plan !== undefined) this.free([this.#plan]);
      this.#plan = this.#create(2 * numbers.byteLength);
    }
    this.#device.queue.writeBuffer(this.#plan, 0, numbers);
    return this.#plan;
  }

  #create(bytes: number): GPUBuffer {
    const buffer = this.#check(() =>
      this.#device.createBuffer({ label: 'cache', size: Math.ceil(bytes / 16) * 16, usage: USAGE }),
    );
    this.#buffers.add(buffer);
    return buffer;
  }

  /** Does something whose errors the next run waits for. */
  #check<T>(work: () => T): T {
    const filters = ['out-of-memory', 'validation'] as const;
    for (const filter of filters) this.#device.pushErrorScope(filter);
    const result = work();
    this.#checks.push(...filters.map(() => this.#device.popErrorScope()));
    return result;
  }
}
