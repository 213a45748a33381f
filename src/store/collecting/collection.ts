import type { BackendError } from '../../errors.ts'
import { MaintenanceRun } from '../maintenance-run.ts'
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
  /**
   * Rows that are damaged or of a later version, and objects that the engine refuses to delete; at most 100. All that
   * belongs to such a row was left alone. Such an object stays in the trash, and each collection tries again.
   */
  readonly problems: readonly Error[]
}

/** How a {@linkcode Collection} runs. */
export interface CollectionOptions {
  readonly dryRun: boolean
  readonly graceMs: number
  readonly signal: AbortSignal | undefined
  readonly onProgress: ((report: GarbageReport) => void) | undefined
}

/** One run of a collection, and what it has found. */
export class Collection extends MaintenanceRun {
  /** How long pages stay in the trash, in milliseconds. */
  readonly graceMs: number
  readonly #onProgress: ((report: GarbageReport) => void) | undefined
  readonly #freed = { streams: 0, objects: 0, bytes: 0 }
  /** Settles once `v` is rewritten for the candidates in hand. */
  #announced: Promise<void> | undefined
  readonly #waiting = { objects: 0, bytes: 0, until: -Infinity }

  constructor(context: StoreContext, { dryRun, graceMs, signal, onProgress }: CollectionOptions) {
    super(context, dryRun, signal)
    this.graceMs = graceMs
    this.#onProgress = onProgress
  }

  /**
   * Deletes objects, whether they exist or not. If the engine refuses some for good, this is noted, and the others are
   * deleted.
   *
   * @returns whether none is left.
   * @throws what the backend fails with, if it may be able to delete them later.
   */
  async deleteObjects(objects: readonly Uint8Array[]): Promise<boolean> {
    const { backend, keys, host } = this.context
    const { parallelDeletes } = host.budget
    let areGone = true
    for (let i = 0; i < objects.length; i += parallelDeletes) {
      const deletions = objects
        .slice(i, i + parallelDeletes)
        .map((object) => persistently(host, () => backend.blocks.delete(keys.object(object))))
      for (const outcome of await Promise.allSettled(deletions)) {
        if (outcome.status === 'fulfilled') continue
        const error = outcome.reason as BackendError
        if (error?.name !== 'BackendError' || error.retryable) throw error
        this.note(error)
        areGone = false
      }
    }
    return areGone
  }

  /** Begins with the next candidates: these were listed now. */
  beginBatch(): void {
    this.#announced = undefined
  }

  /**
   * Rewrites `v` before the first stream of this batch is removed, and after all of them were listed. Whoever is about to
   * store a stream that was not there, and does not know whether it did, can tell by it that the stream may have been
   * removed since.
   */
  announceRemoval(): Promise<void> {
    this.#announced ??= this.#announce()
    return this.#announced
  }

  async #announce(): Promise<void> {
    const key = this.context.keys.version()
    const row = await this.get(key)
    // If this is refused, another collection has just rewritten it.
    if (row) await this.commit([{ key, version: row.version }], [{ key, value: row.value }])
    this.context.versionRow.forget()
  }

  /** The report so far. */
  get report(): GarbageReport {
    const { objects, bytes, until } = this.#waiting
    return {
      freed: { ...this.#freed },
      // oxlint-disable-next-line eslint/no-restricted-globals -- a time that is given, not read from a clock
      waiting: { objects, bytes, until: objects > 0 ? new Date(until) : undefined },
      problems: this.problems,
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
}
