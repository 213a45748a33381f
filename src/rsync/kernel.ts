import { KERNEL_BINARY } from './kernel-binary.ts'
import type { SumFormat } from './sums.ts'

/** What `assembly/index.ts` exports. Pointers and lengths are in bytes; pointers come back as signed numbers. */
interface KernelExports {
  readonly memory: WebAssembly.Memory
  readonly freeMemory: WebAssembly.Global<'i32'>
  chooseSums(rollsum: boolean, md4: boolean): void
  strongLanes(): number
  signBlocks(blocks: number, count: number, blockLength: number, strongLength: number, records: number): number
  beginBlock(): void
  updateBlock(piece: number, byteLength: number): number
  endBlock(piece: number, byteLength: number, strongLength: number, record: number): number
  openIndex(
    base: number,
    blockLength: number,
    strongLength: number,
    blockCount: number,
    keptCount: number,
    filterBits: number,
    bucketBits: number,
    maxFalseMatches: number,
    compact: boolean,
  ): void
  readonly position: WebAssembly.Global<'i32'>
  readonly matchLength: WebAssembly.Global<'i32'>
  readonly falseMatches: WebAssembly.Global<'i32'>
  find(stop: number, inputEnd: number, last: boolean): number
}

/** The compiled code of signatures and deltas, which any number of jobs may share. `loadKernel` gives it. */
export interface Kernel {
  /** The code; each job makes an instance of it, with memory of its own. */
  readonly module: WebAssembly.Module
}

const PAGE_BYTES = 65_536

let compiled: Promise<WebAssembly.Module> | undefined

/**
 * Compiles what jobs need, once; it takes a millisecond or so.
 *
 * @throws {Error} if the host has no WebAssembly with SIMD (all engines since 2023 have), or a content security policy
 * forbids it: `script-src` must have `'wasm-unsafe-eval'`.
 *
 * @example
 * ```ts
 * import { loadKernel, SignatureJob } from 'combstream/rsync'
 *
 * const job = new SignatureJob(await loadKernel(), { blockLength: 2048 })
 * ```
 */
export async function loadKernel(): Promise<Kernel> {
  const kernel = new LazyKernel()
  await kernel.load()
  return kernel
}

/** A kernel that a job can be given before it is loaded, so that a stream has its job from the start. */
export class LazyKernel implements Kernel {
  #module: WebAssembly.Module | undefined

  /** To be awaited before anything else is called. */
  async load(): Promise<void> {
    compiled ??= compile()
    this.#module = await compiled
  }

  /** The code, once it is loaded. */
  get module(): WebAssembly.Module {
    return this.#module!
  }
}

async function compile(): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(Uint8Array.from(atob(KERNEL_BINARY), (unit) => unit.charCodeAt(0)))
  } catch (cause) {
    compiled = undefined
    const message =
      'signatures and deltas need WebAssembly with SIMD; ' +
      "where a content security policy is in force, its script-src must have 'wasm-unsafe-eval'"
    throw new Error(message, { cause })
  }
}

/** The kernel at work for one job, with memory of its own, which goes when the job goes. */
export class KernelInstance {
  /** The kernel's functions. */
  readonly exports: KernelExports
  #memory: Uint8Array<ArrayBuffer>
  #allocated: number

  /** Makes an instance that computes the sums of `format`. */
  constructor({ module }: Kernel, { isRollsum, isMd4 }: SumFormat) {
    this.exports = new WebAssembly.Instance(module).exports as unknown as KernelExports
    this.exports.chooseSums(isRollsum, isMd4)
    this.#memory = new Uint8Array(this.exports.memory.buffer)
    this.#allocated = this.exports.freeMemory.value
  }

  /** The memory; of no use any more after {@linkcode allocate}. */
  get memory(): Uint8Array<ArrayBuffer> {
    return this.#memory
  }

  /**
   * Takes memory, for good, and returns where it is: a multiple of 16.
   *
   * @throws {RangeError} if the host does not have so much, or 32 bits do not reach so far.
   */
  allocate(byteLength: number): number {
    const start = this.#allocated
    const end = start + Math.ceil(byteLength / 16) * 16
    const missing = end - this.#memory.byteLength
    if (missing > 0) {
      try {
        this.exports.memory.grow(Math.ceil(missing / PAGE_BYTES))
      } catch (cause) {
        throw new RangeError(`the job needs ${end} bytes of memory, more than there are for it`, { cause })
      }
      this.#memory = new Uint8Array(this.exports.memory.buffer)
    }
    this.#allocated = end
    return start
  }
}
