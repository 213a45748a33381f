import { isTransient } from '../bytes/is-transient.ts'
import { markHandled } from '../bytes/promises.ts'
import type { Consistency, Entry } from '../hive/hive.ts'
import type { StoreHost } from '../store/host.ts'
import { AnsweredVersions, type Asking } from './answered-versions.ts'
import type { AliasKey } from './cache-keys.ts'
import type { VersionRecord } from './cache-records.ts'

/** How long nobody asks again, in milliseconds: a player makes its first requests within it. */
const RECENT_MS = 1_000
/** When the hive is asked after the answer has begun, in milliseconds: asking at once would delay the first bytes. */
const ASK_AFTER_MS = 50
/** Entries that are remembered. */
const MOST_ENTRIES = 1_000

/** What was found when the remote hive named a version as the current one. */
export interface Confirmation {
  readonly key: AliasKey
  readonly remote: Entry
  readonly consistency: Consistency
  readonly bufferSize: number
  /** What the cache knew of the entry. */
  readonly known: VersionRecord | undefined
}

/**
 * The versions that the remote hive has named as the current ones. A request that names such a version gets its bytes at once,
 * and the hive is asked meanwhile.
 */
export class ConfirmedVersions {
  readonly #host: StoreHost
  readonly #answered: AnsweredVersions<Confirmation>
  /** Entries about which the hive is being asked. */
  readonly #confirming = new Set<string>()

  constructor(host: StoreHost) {
    this.#host = host
    this.#answered = new AnsweredVersions(host, MOST_ENTRIES)
  }

  /** The confirmation of a version, if it is the last one of the entry, and whether it is less than a second old. */
  get(alias: string, etag: string): (Confirmation & { readonly isRecent: boolean }) | undefined {
    const found = this.#answered.get(alias)
    if (found?.answer.remote.etag !== etag) return undefined
    const ageMs = this.#host.now() - found.sinceMs
    return { ...found.answer, isRecent: ageMs >= 0 && ageMs < RECENT_MS }
  }

  /** Must be called before the hive is asked for an entry. */
  begin(alias: string): Asking {
    return this.#answered.begin(alias)
  }

  /** Must be called when the hive has answered, or has failed. */
  end(asking: Asking, confirmation: Confirmation | undefined): void {
    this.#answered.end(asking, confirmation)
  }

  /** Has the hive asked again soon, unless it is being asked. If it refuses, its word does not hold any more. */
  confirm(alias: string, ask: () => Promise<unknown>): void {
    if (this.#confirming.has(alias)) return
    this.#confirming.add(alias)
    const forget = (error: unknown): void => {
      if (!isTransient(error)) this.forget(alias)
    }
    markHandled(
      this.#host
        .sleep(ASK_AFTER_MS)
        .then(ask)
        .catch(forget)
        .finally(() => this.#confirming.delete(alias)),
    )
  }

  /** Forgets an entry, because it may have changed. */
  forget(alias: string): void {
    this.#answered.forget(alias)
  }

  /** Forgets all entries. */
  forgetAll(): void {
    this.#answered.forgetAll()
  }
}
