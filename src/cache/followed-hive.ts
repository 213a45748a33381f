import { markHandled } from '../bytes/promises.ts'
import type { EntryInfo, Hive } from '../hive/hive.ts'
import type { StoreHost } from '../store/host.ts'

/** How long an answer of the hive is trusted, in milliseconds: a hive need not see all changes of its entries. */
const TRUSTED_MS = 10_000
/** How long the watch counts as alive after it brought something, in milliseconds: two heartbeats of a server, and more. */
const ALIVE_MS = 20_000
/** How long it takes until a watch that has failed for good is tried again, in milliseconds. */
const RETRY_MS = 30_000
/** Entries that are remembered. */
const MOST_ENTRIES = 10_000

/** A request to the hive for the current version of an entry. */
export interface Asking {
  readonly alias: string
  /** Grows from one request to the next. */
  readonly number: number
  readonly sinceMs: number
  readonly epoch: number
  /** Whether the entry has changed since. */
  hasChanged: boolean
}

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
  /** What the hive has answered, the oldest first. */
  readonly #known = new Map<string, Pick<Asking, 'number' | 'sinceMs'> & { readonly info: EntryInfo }>()
  readonly #asking = new Set<Asking>()
  /** Number of requests. */
  #count = 0
  /** Grows whenever changes may have been missed. */
  #epoch = 0
  #isAlive = false
  #heardMs = -Infinity
  #isWatching = false
  #retryMs = -Infinity

  constructor(remote: Hive, options: FollowedHiveOptions) {
    this.#remote = remote
    this.#options = options
  }

  /** The current version of an entry, if that is known. */
  get(alias: string): EntryInfo | undefined {
    const known = this.#known.get(alias)
    if (!known || !this.#isAlive) return undefined
    const nowMs = this.#options.host.now()
    const isWithin = (sinceMs: number, mostMs: number): boolean => sinceMs <= nowMs && nowMs - sinceMs <= mostMs
    return isWithin(known.sinceMs, TRUSTED_MS) && isWithin(this.#heardMs, ALIVE_MS) ? known.info : undefined
  }

  /** Must be called before the hive is asked for a version. */
  begin(alias: string): Asking {
    this.#watch()
    const sinceMs = this.#options.host.now()
    const asking = { alias, number: this.#count++, sinceMs, epoch: this.#epoch, hasChanged: false }
    this.#asking.add(asking)
    return asking
  }

  /** Must be called when the hive has answered; without `info`, if it has failed. */
  end(asking: Asking, info: EntryInfo | undefined): void {
    this.#asking.delete(asking)
    const { alias, number, epoch, sinceMs, hasChanged } = asking
    if (!info || !this.#isAlive || epoch !== this.#epoch || hasChanged) return
    // A later question may have been answered sooner.
    if (number < (this.#known.get(alias)?.number ?? 0)) return
    this.#known.delete(alias)
    this.#known.set(alias, { info, number, sinceMs })
    if (this.#known.size > MOST_ENTRIES) this.#known.delete(this.#known.keys().next().value!)
  }

  /** Forgets what is known of an entry, and what is being asked. */
  forget(alias: string): void {
    this.#known.delete(alias)
    for (const asking of this.#asking) if (asking.alias === alias) asking.hasChanged = true
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
          this.#miss()
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
    if (isAlive !== this.#isAlive) this.#miss()
    this.#isAlive = isAlive
    if (isAlive) this.#heardMs = this.#options.host.now()
  }

  #miss(): void {
    this.#epoch++
    this.#known.clear()
  }
}
