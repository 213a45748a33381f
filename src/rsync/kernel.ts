import { compileKernel } from '../bytes/compile-kernel.ts'
import { KERNEL_BINARY } from './kernel-binary.ts'
import type { SumFormat } from './sum-formats.ts'

/** What `kernel/index.ts` exports. Pointers and lengths are in bytes. Pointers are returned as signed numbers. */
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
    sums: number,
    tables: number,
    blockLength: number,
    strongLength: number,
    blockCount: number,
    filterBits: number,
    bucketBits: number,
    compact: boolean,
  ): void
  readonly position: WebAssembly.Global<'i32'>
  readonly matchLength: WebAssembly.Global<'i32'>
  readonly falseMatches: WebAssembly.Global<'i32'>
  find(stop: number, inputEnd: number, last: boolean): number
}

/** The compiled code for signatures and deltas. Any number of jobs may share it. Get it from `loadKernel`. */
export interface Kernel {
  /** The compiled module. Each job instantiates it with memory of its own. */
  readonly module: WebAssembly.Module
}

const PAGE_BYTES = 65_536

let compiled: Promise<WebAssembly.Module> | undefined

/**
 * Compiles the code that jobs need. Only the first call compiles, which takes about a millisecond.
 *
 * @throws {Error} if the host does not support WebAssembly SIMD (all engines have since 2023), or a content security
 * policy forbids WebAssembly: `script-src` must have `'wasm-unsafe-eval'`.
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

/** A kernel that can be passed to a job before it is loaded, so that a stream has its job from the start. */
export class LazyKernel implements Kernel {
  #module: WebAssembly.Module | undefined

  /** Must be awaited before the job runs. */
  async load(): Promise<void> {
    compiled ??= compile()
    this.#module = await compiled
  }

  /** The compiled module, available once it is loaded. */
  get module(): WebAssembly.Module {
    return this.#module!
  }
}

async function compile(): Promise<WebAssembly.Module> {
  try {
    return await compileKernel(KERNEL_BINARY, 'signatures and deltas')
  } catch (error) {
    compiled = undefined
    throw error
  }
}

/** Idle instances, kept for reuse: creating one takes milliseconds in WebKit. */
const idle: WeakMap<WebAssembly.Module, KernelInstance[]> = new WeakMap()
const MAX_IDLE = 4
/** Instances with more memory than this are left to the garbage collector. */
const MAX_IDLE_BYTES = 4 * 1024 * 1024

/**
 * An instance of the kernel that serves one job, with memory of its own. An instance that is not released is
 * garbage-collected with its job.
 */
export class KernelInstance {
  readonly #module: WebAssembly.Module
  /** The kernel's functions. */
  readonly exports: KernelExports
  #memory: Uint8Array<ArrayBuffer>
  #allocated: number

  /** Use {@linkcode open} instead. */
  constructor(module: WebAssembly.Module) {
    this.#module = module
    this.exports = new WebAssembly.Instance(module).exports as unknown as KernelExports
    this.#memory = new Uint8Array(this.exports.memory.buffer)
    this.#allocated = this.exports.freeMemory.value
  }

  /** Returns an instance that computes the sums of `format`, a new or a reused one. */
  static open({ module }: Kernel, { isRollsum, isMd4 }: SumFormat): KernelInstance {
    const instance = idle.get(module)?.pop() ?? new KernelInstance(module)
    instance.exports.chooseSums(isRollsum, isMd4)
    return instance
  }

  /** Makes the instance available to another job. The caller must not use it afterwards. */
  release(): void {
    const instances = idle.get(this.#module) ?? []
    if (instances.length === MAX_IDLE || this.#memory.byteLength > MAX_IDLE_BYTES) return
    this.#allocated = this.exports.freeMemory.value
    instances.push(this)
    idle.set(this.#module, instances)
  }

  /** The instance's memory. Invalid after {@linkcode allocate}, which may replace it. */
  get memory(): Uint8Array<ArrayBuffer> {
    return this.#memory
  }

  /**
   * Allocates memory until the instance is released and returns its address, a multiple of 16. The memory is not
   * cleared.
   *
   * @throws {RangeError} if the host does not have enough memory, or the address would exceed 32 bits.
   */
  allocate(byteLength: number): number {
    const start = this.#allocated
    const end = start + Math.ceil(byteLength / 16) * 16
    const missing = end - this.#memory.byteLength
    if (missing > 0) {
      try {
        this.exports.memory.grow(Math.ceil(missing / PAGE_BYTES))
      } catch (cause) {
        throw new RangeError(`the job needs ${end} bytes of memory, more than is available`, { cause })
      }
      this.#memory = new Uint8Array(this.exports.memory.buffer)
    }
    this.#allocated = end
    return start
  }
}
