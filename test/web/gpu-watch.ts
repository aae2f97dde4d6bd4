/**
 * What a page's WebGPU is asked for: bytes that go to the GPU and come from it, and the buffers of caches that are alive.
 */

/** Traffic since the page began, and what caches hold now. */
export interface GpuTraffic {
  /** Bytes written by queues or through mapped buffers. */
  readonly uploaded: number;
  /** Bytes of buffers that were mapped to be read. */
  readonly downloaded: number;
  /** Buffers of caches that were not destroyed, and their bytes. */
  readonly cacheBuffers: number;
  readonly cacheBytes: number;
}

declare global {
  var gpuTraffic: () => GpuTraffic;
  /** Called before a buffer of a cache is made; may change what is asked for. */
  var beforeCacheBuffer: ((descriptor: GPUBufferDescriptor) => GPUBufferDescriptor) | undefined;
}

/** Runs in a page before any script. */
export function watchGpu(): void {
  let [uploaded, downloaded] = [0, 0];
  const alive = new Map<GPUBuffer, number>();
  const create = GPUDevice.prototype.createBuffer;
  GPUDevice.prototype.createBuffer = function (asked) {
    const isCache = asked.label === 'cache';
    const buffer = create.call(this, isCache ? (globalThis.beforeCacheBuffer?.(asked) ?? asked) : asked);
    if (asked.mappedAtCreation === true) uploaded += asked.size;
    if (isCache) alive.set(buffer, asked.size);
    return buffer;
  };
  const destroy = GPUBuffer.prototype.destroy;
  GPUBuffer.prototype.destroy = function () {
    alive.delete(this);
    destroy.call(this);
  };
  const map = GPUBuffer.prototype.mapAsync;
  GPUBuffer.prototype.mapAsync = function (this: GPUBuffer, mode, offset = 0, size = this.size - offset) {
    // READ of WebGPU's `GPUMapMode`.
    if (mode === 1) downloaded += size;
    else uploaded += size;
    return map.call(this, mode, offset, size);
  };
  const write = GPUQueue.prototype.writeBuffer;
  GPUQueue.prototype.writeBuffer = function (buffer, bufferOffset, data, dataOffset = 0, size = undefined) {
    const bytesEach = ArrayBuffer.isView(data) && 'BYTES_PER_ELEMENT' in data ? Number(data.BYTES_PER_ELEMENT) : 1;
    uploaded += size === undefined ? data.byteLength - dataOffset * bytesEach : size * bytesEach;
    write.call(this, buffer, bufferOffset, data, dataOffset, size);
  };
  globalThis.gpuTraffic = () => ({
    uploaded,
    downloaded,
    cacheBuffers: alive.size,
    cacheBytes: [...alive.values()].reduce((sum, size) => sum + size, 0),
  });
}
