import type { BackendCallOptions, Check, Mutation, Row, VersionedValue } from '../backend.ts'
import { persistently } from '../retry.ts'
import type { StoreContext } from '../store-context.ts'

/** What a collection has freed so far. */
export interface FreedGarbage {
  /** Streams whose rows are gone: nothing leads to them any more. */
  readonly streams: number
  /** Objects that were deleted. */
  readonly objects: number
  /** Bytes of these objects. */
  readonly bytes: number
}

/** What is kept for readers until its grace is over. */
export interface WaitingGarbage {
  /** Objects that wait. */
  readonly objects: number
  /** Bytes of these objects. */
  readonly bytes: number
  /** When the last of them may go; undefined if none waits. */
  readonly until: Date | undefined
}

/** What a collection did, or, in a dry run, would do. */
export interface GarbageReport {
  /** What was removed. */
  readonly freed: FreedGarbage
  /** What is kept for now. */
  readonly waiting: WaitingGarbage
  /** Rows that are damaged, or of a later version: what belongs to them was left alone. At most 100. */
  readonly problems: readonly Error[]
}

/** How a {@linkcode Collection} runs. */
export interface CollectionOptions {
  readonly dryRun: boolean
  readonly graceMs: number
  readonly signal: AbortSignal | undefined
  readonly onProgress: ((report: GarbageReport) => void) | undefined
}

const MAX_PROBLEMS = 100

/** One run of collection: how it reads and writes, and what it has found. */
export class Collection {
  readonly context: StoreContext
  /** Whether nothing is to be changed. */
  readonly dryRun: boolean
  /** How long pages stay in the trash, in milliseconds. */
  readonly graceMs: number
  readonly signal: AbortSignal | undefined
  readonly #onProgress: ((report: GarbageReport) => void) | undefined
  readonly #freed = { streams: 0, objects: 0, bytes: 0 }
  readonly #waiting = { objects: 0, bytes: 0, until: -Infinity }
  readonly #problems: Error[] = []

  constructor(context: StoreContext, { dryRun, graceMs, signal, onProgress }: CollectionOptions) {
    this.context = context
    this.dryRun = dryRun
    this.graceMs = graceMs
    this.signal = signal
    this.#onProgress = onProgress
  }

  /** What was found so far. */
  get report(): GarbageReport {
    const { objects, bytes, until } = this.#waiting
    return {
      freed: { ...this.#freed },
      // oxlint-disable-next-line eslint/no-restricted-globals -- a time that is given, not read from a clock
      waiting: { objects, bytes, until: objects > 0 ? new Date(until) : undefined },
      problems: [...this.#problems],
    }
  }

  /** Reads a row. */
  get(key: Uint8Array): Promise<VersionedValue | undefined> {
    return this.#persistently((options) => this.context.backend.metadata.get(key, options))
  }

  /** Commits; false if a check failed, which it also does if the answer of a try that was applied was lost. */
  commit(checks: readonly Check[], mutations: readonly Mutation[]): Promise<string | false> {
    return this.#persistently((options) => this.context.backend.metadata.commit(checks, mutations, options))
  }

  /** The length of an object. */
  sizeOf(name: string): Promise<number | undefined> {
    return this.#persistently((options) => this.context.backend.blocks.size(name, options))
  }

  /** All rows whose keys begin with `prefix`, in lists of at most `limit`. */
  async *lists(prefix: Uint8Array, limit: number): AsyncGenerator<readonly Row[], void> {
    for (let after: Uint8Array | undefined; ;) {
      const cursor = after
      const rows = await this.#persistently((options) =>
        this.context.backend.metadata.list({ prefix, after: cursor, limit, ...options }),
      )
      if (rows.length === 0) return
      yield rows
      after = rows.at(-1)!.key
    }
  }

  /** Does work for one row; what is damaged, or of a later version, is noted, and left alone. */
  async tolerating(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      const { name } = error as Error
      if (name !== 'IntegrityError' && name !== 'FormatError') throw error
      if (this.#problems.length < MAX_PROBLEMS) this.#problems.push(error as Error)
    }
  }

  /** Counts a stream that is gone. */
  freedStream(): void {
    this.#freed.streams++
    this.#tell()
  }

  /** Counts objects that are gone. */
  freedObjects(objects: number, bytes: number): void {
    this.#freed.objects += objects
    this.#freed.bytes += bytes
    this.#tell()
  }

  /** Counts objects that wait in the trash since a time. */
  keptObjects(objects: number, bytes: number, since: number): void {
    this.#waiting.objects += objects
    this.#waiting.bytes += bytes
    this.#waiting.until = Math.max(this.#waiting.until, since + this.graceMs)
    this.#tell()
  }

  #tell(): void {
    this.#onProgress?.(this.report)
  }

  #persistently<T>(call: (options: BackendCallOptions) => Promise<T>): Promise<T> {
    const { signal } = this
    signal?.throwIfAborted()
    return persistently(this.context.host, () => call({ signal }), signal)
  }
}
