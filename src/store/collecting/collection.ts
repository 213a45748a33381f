import type { BackendCallOptions, Check, Mutation, Row, VersionedValue } from '../backend.ts'
import { persistently } from '../retry.ts'
import type { StoreContext } from '../store-context.ts'

/** What a collection has freed so far. */
export interface FreedGarbage {
  /** Number of streams whose rows were removed: they cannot be found any more. */
  readonly streams: number
  /** Number of objects that were deleted. */
  readonly objects: number
  /** Bytes of these objects. */
  readonly bytes: number
}

/** What is kept for readers until the grace period ends. */
export interface WaitingGarbage {
  /** Number of objects that are kept. */
  readonly objects: number
  /** Bytes of these objects. */
  readonly bytes: number
  /** When the last of them may be deleted; undefined if there are none. */
  readonly until: Date | undefined
}

/** What a collection did, or would do in the case of a dry run. */
export interface GarbageReport {
  /** What was removed. */
  readonly freed: FreedGarbage
  /** What is kept for now. */
  readonly waiting: WaitingGarbage
  /** Rows that are damaged or of a later version, at most 100. Everything that belongs to them was left alone. */
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

/** One run of a collection: how it reads and writes, and what it has found. */
export class Collection {
  readonly context: StoreContext
  /** Whether the run only reports, and changes nothing. */
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

  /** The report so far. */
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

  /** Commits; false if a check failed. A check also fails if an earlier try was applied and its answer was lost. */
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

  /**
   * Does the work for one row. If the row is damaged or of a later version, this is noted, and the row is left alone.
   */
  async tolerating(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      const { name } = error as Error
      if (name !== 'IntegrityError' && name !== 'FormatError') throw error
      if (this.#problems.length < MAX_PROBLEMS) this.#problems.push(error as Error)
    }
  }

  /** Counts a stream that was removed. */
  freedStream(): void {
    this.#freed.streams++
    this.#tell()
  }

  /** Counts objects that were deleted. */
  freedObjects(objects: number, bytes: number): void {
    this.#freed.objects += objects
    this.#freed.bytes += bytes
    this.#tell()
  }

  /** Counts objects that have been in the trash since the given time. */
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
