import { isTransient } from '../bytes/is-transient.ts'
import { onAbort } from '../bytes/on-abort.ts'
import { abortable, markHandled } from '../bytes/promises.ts'
import { NotFoundError } from '../errors.ts'
import type { EntryInfo } from '../hive/hive.ts'
import type { AliasKey } from './cache-keys.ts'
import type { VersionRecord } from './cache-records.ts'
import type { CachedVersionOptions } from './cached-version.ts'
import type { FollowedHive } from './followed-hive.ts'
import type { HiveCache } from './hive-cache.ts'

/** How long nobody waits for a remote hive that did not answer in time, in milliseconds. */
const SILENCE_MS = 10_000

/** What is known of an entry, from the remote hive or, if that does not answer, from the cache. */
export interface Found<T> extends Pick<CachedVersionOptions, 'known' | 'removals' | 'toleratedEtag'> {
  readonly found: T | EntryInfo
  /** What the remote hive has answered just now. */
  readonly answer: T | undefined
  readonly stale: boolean
}

/** Which versions of entries are current: as the remote hive says, or, if it does not answer, as the cache knows. */
export class CurrentVersions {
  readonly #cache: HiveCache
  readonly #staleAfterMs: number
  readonly #followed: FollowedHive | undefined
  /** Until then, the remote hive is expected not to answer. */
  #silentUntilMs = -Infinity

  /** Waits for the remote hive for `staleAfterMs` milliseconds, if the cache knows a version. */
  constructor(cache: HiveCache, staleAfterMs: number, followed: FollowedHive | undefined) {
    this.#cache = cache
    this.#staleAfterMs = staleAfterMs
    this.#followed = followed
  }

  /** Asks the remote hive; if it does not answer, what the cache knows. */
  async ask<T extends EntryInfo>(
    key: AliasKey,
    ask: (signal: AbortSignal) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<Found<T>> {
    signal?.throwIfAborted()
    const { blocks } = this.#cache
    const followed = this.#followed?.get(key.alias)
    if (followed) {
      const [known, removals] = await Promise.all([this.#seen(key), blocks.removals()])
      // Another tab or process may have learnt of another version.
      if (!known || (known.successor ?? known).etag === followed.etag) {
        return { found: followed, answer: undefined, known, stale: false, removals, toleratedEtag: undefined }
      }
    }
    const asking = this.#followed?.begin(key.alias)
    const giveUp = new AbortController()
    const ended = new AbortController()
    const stopListening = onAbort([signal], (reason) => giveUp.abort(reason))
    const asked = signal ? abortable(ask(giveUp.signal), signal) : ask(giveUp.signal)
    markHandled(asked)
    const [seen, removals] = await Promise.all([this.#seen(key), blocks.removals()])
    try {
      const patienceMs = blocks.host.now() < this.#silentUntilMs ? 0 : this.#staleAfterMs
      const late = seen && blocks.host.sleep(patienceMs, ended.signal).then(() => undefined)
      if (late) markHandled(late)
      const found = await (late ? Promise.race([asked, late]) : asked)
      if (found) {
        if (asking) this.#followed?.end(asking, describeEntry(found))
        this.#silentUntilMs = -Infinity
        const known = await this.know(key, found, seen)
        return { found, answer: found, known, stale: false, removals, toleratedEtag: undefined }
      }
      if (patienceMs > 0) this.#silentUntilMs = blocks.host.now() + SILENCE_MS
      giveUp.abort(new DOMException('the hive did not answer in time', 'TimeoutError'))
    } catch (error) {
      if ((error as Error).name === 'NotFoundError') await this.#cache.learn(key, undefined)
      if (signal?.aborted || !seen || !isTransient(error)) throw error
    } finally {
      if (asking) this.#followed?.end(asking, undefined)
      ended.abort()
      stopListening()
    }
    // `seen` is set: nothing else ends the race, or passes the condition above.
    return { ...(await this.#recall(key, seen!)), removals }
  }

  /** What was seen of an entry. If the store fails, nothing was. */
  #seen(key: AliasKey): Promise<VersionRecord | undefined> {
    const { rows, blocks } = this.#cache
    return blocks.attempt(() => rows.get('e', key))
  }

  /** The version that is served without a network. */
  async #recall(key: AliasKey, seen: VersionRecord): Promise<Omit<Found<never>, 'removals'>> {
    if (seen.successor && seen.successor.etag === undefined) {
      throw new NotFoundError(`there is no such entry: ${key.alias}`, { alias: key.alias })
    }
    const { rows, blocks } = this.#cache
    const known = (await blocks.attempt(() => rows.get('p', key))) ?? seen
    const { alias, size, etag, type, modifiedMs } = known
    const found = { alias, size, etag, type, modified: new Date(modifiedMs) }
    return { found, answer: undefined, known, stale: true, toleratedEtag: (seen.successor ?? seen).etag }
  }

  /** Notes what the remote hive has, and returns what the cache knew. */
  async know(key: AliasKey, { etag }: EntryInfo, seen?: VersionRecord): Promise<VersionRecord | undefined> {
    const known = seen ?? (await this.#seen(key))
    if (known && (known.etag !== etag || known.successor)) await this.learn(key, etag)
    return known
  }

  /** Notes that the hive has this version, or none. */
  async learn(key: AliasKey, etag: string | undefined): Promise<void> {
    const { rows, blocks } = this.#cache
    await blocks.attempt(() => rows.supersede(key, { etag }))
  }
}

/** What describes an entry, without the entry. */
export function describeEntry({ alias, size, etag, type, modified, noStore }: EntryInfo): EntryInfo {
  return { alias, size, etag, type, modified, ...(noStore && { noStore }) }
}
