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
    const binary = Uint8Array.from(atob(KERNEL_BINARY), (unit) => unit.charCodeAt(0))
    // An instance, too, as WebKit compiles what a policy forbids, and then makes no instance of it.
    const { module } = await WebAssembly.instantiate(binary)
    return module
  } catch (cause) {
    compiled = undefined
    const message =
      'signatures and deltas need WebAssembly with SIMD; ' +
      "where a content security policy is in force, its script-src must have 'wasm-unsafe-eval'"
    throw new Error(message, { cause })
  }
}

/** Instances whose jobs are done, to be used again: WebKit takes milliseconds to make one. */
const idle: WeakMap<WebAssembly.Module, KernelInstance[]> = new WeakMap()
const MAX_IDLE = 4
/** What takes more memory is left to the garbage collector. */
const MAX_IDLE_BYTES = 4 * 1024 * 1024

/** The kernel at work for one job, with memory of its own. An instance that is not released goes when its job goes. */
export class KernelInstance {
  readonly #module: WebAssembly.Module
  /** The kernel's functions. */
  readonly exports: KernelExports
  #memory: Uint8Array<ArrayBuffer>
  #allocated: number

  /** To be got by {@linkcode open}. */
  constructor(module: WebAssembly.Module) {
    this.#module = module
    this.exports = new WebAssembly.Instance(module).exports as unknown as KernelExports
    this.#memory = new Uint8Array(this.exports.memory.buffer)
    this.#allocated = this.exports.freeMemory.value
  }

  /** Gives a job an instance that computes the sums of `format`. */
  static open({ module }: Kernel, { isRollsum, isMd4 }: SumFormat): KernelInstance {
    const instance = idle.get(module)?.pop() ?? new KernelInstance(module)
    instance.exports.chooseSums(isRollsum, isMd4)
    return instance
  }

  /** Lets another job have the instance; nobody may use it any more. */
  release(): void {
    const instances = idle.get(this.#module) ?? []
    if (instances.length === MAX_IDLE || this.#memory.byteLength > MAX_IDLE_BYTES) return
    this.#allocated = this.exports.freeMemory.value
    instances.push(this)
    idle.set(this.#module, instances)
  }

  /** The memory; of no use any more after {@linkcode allocate}. */
  get memory(): Uint8Array<ArrayBuffer> {
    return this.#memory
  }

  /**
   * Takes memory until the instance is released, and returns where it is: a multiple of 16. What it holds is of no
   * account.
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
