import { onAbort } from '../../bytes/on-abort.ts'
import { BackendError } from '../../errors.ts'
import type { Hive } from '../../hive/hive.ts'
import { ChangeLog } from './change-log.ts'
import { StatusError } from './status-error.ts'

/** How long changes are kept after the last watcher has gone: it may have been cut off, and come back. */
const LINGER_MS = 60_000

/** What {@linkcode Watchers} are made with. */
export interface WatchersOptions {
  readonly hive: Hive
  /** Most watchers at a time. */
  readonly most: number
  /** Ends all watches when it aborts. */
  readonly stopping: AbortSignal | undefined
}

/** A watcher that has been admitted. */
export interface Watcher {
  /** What it reads. */
  readonly log: ChangeLog
  /** Must be called once, when it has gone. */
  leave(): void
}

/** Those who watch a hive over HTTP. They share one log of its changes. */
export class Watchers {
  readonly #options: WatchersOptions
  #log: ChangeLog | undefined
  #count = 0
  #lingering: ReturnType<typeof setTimeout> | undefined

  constructor(options: WatchersOptions) {
    this.#options = options
  }

  /**
   * Admits a watcher.
   *
   * @throws {StatusError} 503 if there are too many, or the server is about to stop; 501 if the hive cannot be watched.
   */
  join(): Watcher {
    const { hive, most, stopping } = this.#options
    if (typeof (hive as Partial<Hive>).watch !== 'function') throw new StatusError(501, 'this hive cannot be watched')
    if (stopping?.aborted) throw unavailable('the server is about to stop')
    if (this.#count >= most) throw unavailable(`there are ${most} watchers already`)
    const log = (this.#log ??= this.#open())
    clearTimeout(this.#lingering)
    this.#count++
    return { log, leave: () => this.#leave() }
  }

  #open(): ChangeLog {
    const { hive, stopping } = this.#options
    const log: ChangeLog = new ChangeLog(hive.watch(), () => {
      stopListening()
      if (this.#log === log) this.#log = undefined
    })
    const stopListening = onAbort([stopping], () => log.close())
    return log
  }

  #leave(): void {
    if (--this.#count > 0) return
    this.#lingering = setTimeout(() => this.#log?.close(), LINGER_MS)
    // Where it would keep the process alive.
    const { unref } = this.#lingering as { unref?: () => void }
    unref?.call(this.#lingering)
  }
}

function unavailable(message: string): StatusError {
  return new StatusError(503, new BackendError(message, { retryable: true }))
}
