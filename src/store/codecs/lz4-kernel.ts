import { compileKernel } from '../../bytes/compile-kernel.ts'
import { KERNEL_BINARY } from './kernel-binary.ts'
import { WINDOW_BYTES } from './lz4-format.ts'

/** What `kernel/index.ts` exports. Pointers and lengths are in bytes. */
interface KernelExports {
  readonly memory: WebAssembly.Memory
  readonly freeMemory: WebAssembly.Global<'i32'>
  compressBlock(block: number, byteLength: number, target: number, room: number): number
  decompressBlock(block: number, byteLength: number, target: number, room: number, windowStart: number): number
}

const PAGE_BYTES = 65_536
/** The kernel reads and writes up to 32 bytes after its input and its output. */
const SLACK_BYTES = 64

/**
 * Compresses and decompresses single blocks of LZ4. Its memory has space for one block, its result, and the bytes before
 * the result that matches may refer to: up to 9 MB. Calls are synchronous and keep nothing, so all callers can share one.
 */
export class Lz4Kernel {
  readonly #exports: KernelExports
  #memory: Uint8Array<ArrayBuffer>
  readonly #input: number
  /** Bytes that an input, or an output, can have. */
  #capacity = 0

  /** Makes an instance of the compiled module. Use {@linkcode loadLz4Kernel} instead. */
  constructor(module: WebAssembly.Module) {
    this.#exports = new WebAssembly.Instance(module).exports as unknown as KernelExports
    this.#memory = new Uint8Array(this.#exports.memory.buffer)
    this.#input = this.#exports.freeMemory.value
  }

  /**
   * Compresses a block into at most `room` bytes; undefined if they are too few. The result is a view that is valid
   * until the next call.
   */
  compress(block: Uint8Array, room: number): Uint8Array<ArrayBuffer> | undefined {
    this.#reserve(Math.max(block.byteLength, room))
    this.#memory.set(block, this.#input)
    const output = this.#output
    const byteLength = this.#exports.compressBlock(this.#input, block.byteLength, output, room)
    return byteLength > 0 ? this.#memory.subarray(output, output + byteLength) : undefined
  }

  /**
   * Decompresses a block into at most `room` bytes; undefined if it is damaged or needs more. `window` are the up to
   * 65,536 bytes before the result that matches may refer to. The result is a view that is valid until the next call.
   */
  decompress(block: Uint8Array, room: number, window: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
    this.#reserve(Math.max(block.byteLength, room))
    this.#memory.set(block, this.#input)
    const output = this.#output
    const windowStart = output - window.byteLength
    this.#memory.set(window, windowStart)
    const byteLength = this.#exports.decompressBlock(this.#input, block.byteLength, output, room, windowStart)
    return byteLength < 0 ? undefined : this.#memory.subarray(output, output + byteLength)
  }

  get #output(): number {
    return this.#input + this.#capacity + SLACK_BYTES + WINDOW_BYTES
  }

  #reserve(byteLength: number): void {
    if (byteLength <= this.#capacity) return
    this.#capacity = byteLength
    const missing = this.#output + byteLength + SLACK_BYTES - this.#memory.byteLength
    if (missing > 0) this.#exports.memory.grow(Math.ceil(missing / PAGE_BYTES))
    this.#memory = new Uint8Array(this.#exports.memory.buffer)
  }
}

let kernel: Promise<Lz4Kernel> | undefined

/**
 * Loads the kernel. All callers get the same one.
 *
 * @throws {Error} if the host does not support WebAssembly SIMD, or a content security policy forbids WebAssembly.
 */
export function loadLz4Kernel(): Promise<Lz4Kernel> {
  kernel ??= load()
  return kernel
}

async function load(): Promise<Lz4Kernel> {
  try {
    return new Lz4Kernel(await compileKernel(KERNEL_BINARY, 'blocks in LZ4'))
  } catch (error) {
    kernel = undefined
    throw error
  }
}
