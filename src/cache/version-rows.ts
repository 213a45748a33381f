import { toMapKey } from '../bytes/byte-text.ts'
import type { EntryInfo } from '../hive/hive.ts'
import type { StoreHost } from '../store/host.ts'
import type { StreamStore } from '../store/stream-store.ts'
import type { Transaction } from '../store/transactions/transaction.ts'
import {
  type AliasKey,
  keysOf,
  orderedPart,
  pagesOf,
  partitionOf,
  versionHash,
  versionInPageKey,
  versionKey,
} from './cache-keys.ts'
import { changeGeneration } from './change-generation.ts'
import { formatVersion, MAX_FIELD_BYTES, parseVersion, type Successor, type VersionRecord } from './cache-records.ts'
import { deleteRows, listRows, parseRecord, readRecord } from './cache-store.ts'

/** The rows about versions of entries of one partition. */
export class VersionRows {
  readonly #store: StreamStore
  readonly #host: StoreHost
  /** The partition. */
  readonly partition: Promise<Uint8Array>

  constructor(store: StreamStore, host: StoreHost, hive: string, principal: string) {
    this.#store = store
    this.#host = host
    this.partition = partitionOf(hive, principal)
  }

  /** The version that was seen last, or, of the other kind, the one that is pinned. */
  async get(kind: 'e' | 'p', alias: AliasKey): Promise<VersionRecord | undefined> {
    const version = await readRecord(this.#store, versionKey(kind, await this.partition, alias), parseVersion)
    // Different aliases have the same key only if a SHA-256 has collided.
    return version?.alias === alias.alias ? version : undefined
  }

  /**
   * Adds a version, of which something is kept, to a commit, unless the cache knows of a later one. Resolves with whether it
   * takes the place of another.
   */
  async note(tx: Transaction, alias: AliasKey, version: VersionRecord): Promise<boolean> {
    const key = versionKey('e', await this.partition, alias)
    const known = parseRecord(await tx.get(key), parseVersion)
    // A server may forget to change the etag.
    const isOlder = known?.etag === version.etag && known.size !== version.size
    if (known && !isOlder && known.successor?.etag !== version.etag) return false
    tx.set(key, formatVersion(version))
    return known !== undefined
  }

  /** Notes what the hive has now, if the cache has a version of the entry. */
  async supersede(alias: AliasKey, successor: Successor): Promise<void> {
    const known = await this.get('e', alias)
    if (!known) return
    const partition = await this.partition
    const key = versionKey('e', partition, alias)
    await this.#store.transaction(async (tx) => {
      const current = parseRecord(await tx.get(key), parseVersion)
      if (!current) return
      const same = current.etag === successor.etag
      if (same ? current.successor === undefined : current.successor?.etag === successor.etag && current.successor)
        return
      tx.set(key, formatVersion({ ...current, successor: same ? undefined : successor }))
      const isGone = (each: Successor | undefined): boolean => each !== undefined && each.etag === undefined
      if (isGone(current.successor) === isGone(successor)) return
      // From now on, its pin counts, or does not.
      if (await tx.get(versionKey('p', partition, alias))) await changeGeneration(tx, this.#host)
    })
  }

  /** Removes the row of a version. */
  async remove(kind: 'e' | 'p', alias: AliasKey): Promise<void> {
    const key = versionKey(kind, await this.partition, alias)
    await this.#store.transaction(async (tx) => {
      if (await tx.get(key)) tx.delete(key)
    })
  }

  /** Deletes the digests of versions of an entry that are neither the last one nor pinned. */
  async tidyPages(alias: AliasKey): Promise<void> {
    const partition = await this.partition
    const kept = new Set<string>()
    for (const kind of ['e', 'p'] as const) {
      const version = await this.get(kind, alias)
      if (version) kept.add(toMapKey(await versionHash(version)))
    }
    for await (const rows of listRows(this.#store, pagesOf(partition, alias))) {
      const stale = rows.map(({ key }) => key).filter((key) => !kept.has(toMapKey(versionInPageKey(key))))
      await deleteRows(this.#store, stale)
    }
  }

  /** The versions that were seen last of all entries whose aliases begin with `prefix`, roughly from `after` on. */
  async *list(prefix: string, after: string | undefined): AsyncGenerator<VersionRecord[]> {
    const all = keysOf('e', await this.partition)
    const from = after === undefined ? undefined : orderedPart(after)
    const options = from && { after: new Uint8Array([...all, ...from]) }
    for await (const rows of listRows(this.#store, new Uint8Array([...all, ...orderedPart(prefix)]), options)) {
      yield rows.flatMap(({ value }) => parseRecord(value, parseVersion) ?? [])
    }
  }
}

/** Whether the rows of the cache can describe a version. */
export function isDescribable({ etag, type }: EntryInfo): boolean {
  return etag.length <= MAX_FIELD_BYTES && new TextEncoder().encode(type).byteLength <= MAX_FIELD_BYTES
}
