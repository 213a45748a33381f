import { markHandled } from '../bytes/promises.ts'
import type { EntryInfo, Hive } from '../hive/hive.ts'
import type { StoreHost } from '../store/host.ts'
import { AnsweredVersions, type Asking } from './answered-versions.ts'

/** How long an answer of the hive is trusted, in milliseconds: a hive need not see all changes of its entries. */
const TRUSTED_MS = 10_000
/** How long the watch counts as alive after it brought something, in milliseconds: two heartbeats of a server, and more. */
const ALIVE_MS = 20_000
/** How long it takes until a watch that has failed for good is tried again, in milliseconds. */
const RETRY_MS = 30_000
/** Entries that are remembered. */
const MOST_ENTRIES = 10_000

/** What {@linkcode FollowedHive} needs. */
export interface FollowedHiveOptions {
  readonly host: StoreHost
  readonly signal: AbortSignal | undefined
  /** Called with each change. */
  onChange(alias: string, etag: string | undefined): Promise<void>
}

/**
 * Knows which versions of entries are current without asking the hive each time: while a watch of the hive is alive, what the
 * hive has answered holds until a change is told, but not for longer than ten seconds.
 */
export class FollowedHive {
  readonly #remote: Hive
  readonly #options: FollowedHiveOptions
  readonly #answered: AnsweredVersions<EntryInfo>
  #isAlive = false
  #heardMs = -Infinity
  #isWatching = false
  #retryMs = -Infinity

  constructor(remote: Hive, options: FollowedHiveOptions) {
    this.#remote = remote
    this.#options = options
    this.#answered = new AnsweredVersions(options.host, MOST_ENTRIES)
  }

  /** The current version of an entry, if that is known. */
  get(alias: string): EntryInfo | undefined {
    const known = this.#answered.get(alias)
    if (!known || !this.#isAlive) return undefined
    const nowMs = this.#options.host.now()
    const isWithin = (sinceMs: number, mostMs: number): boolean => sinceMs <= nowMs && nowMs - sinceMs <= mostMs
    return isWithin(known.sinceMs, TRUSTED_MS) && isWithin(this.#heardMs, ALIVE_MS) ? known.answer : undefined
  }

  /** Must be called before the hive is asked for a version. */
  begin(alias: string): Asking {
    this.#watch()
    return this.#answered.begin(alias)
  }

  /** Must be called when the hive has answered; without `info`, if it has failed. */
  end(asking: Asking, info: EntryInfo | undefined): void {
    this.#answered.end(asking, this.#isAlive ? info : undefined)
  }

  /** Forgets what is known of an entry, and what is being asked. */
  forget(alias: string): void {
    this.#answered.forget(alias)
  }

  #watch(): void {
    const { signal, host } = this.#options
    if (this.#isWatching || signal?.aborted || host.now() < this.#retryMs) return
    this.#isWatching = true
    const ended = this.#follow().finally(() => {
      this.#isWatching = false
      this.#retryMs = host.now() + RETRY_MS
      this.#hear(false)
    })
    // A hive that cannot be watched is asked each time.
    markHandled(ended)
  }

  async #follow(): Promise<void> {
    const { signal, onChange } = this.#options
    const changes = this.#remote.watch({ signal, onAlive: (isAlive) => this.#hear(isAlive) }).getReader()
    try {
      for (let next = await changes.read(); !next.done; next = await changes.read()) {
        const { alias, etag } = next.value
        if (alias === undefined) {
          this.#answered.forgetAll()
          continue
        }
        this.forget(alias)
        await onChange(alias, etag)
      }
    } finally {
      // If `onChange` has failed: another watch will be opened.
      markHandled(changes.cancel())
    }
  }

  #hear(isAlive: boolean): void {
    if (isAlive !== this.#isAlive) this.#answered.forgetAll()
    this.#isAlive = isAlive
    if (isAlive) this.#heardMs = this.#options.host.now()
  }
}
