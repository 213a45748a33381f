import { equalBytes } from '../bytes/byte-order.ts'
import { toMapKey } from '../bytes/byte-text.ts'
import type { StoreHost } from '../store/host.ts'
import type { StreamStore } from '../store/stream-store.ts'
import type { SpaceRow } from '../store/transactions/transaction.ts'
import { BlockNames, type NamedVersion } from './block-names.ts'
import {
  aliasKeyOf,
  blockKey,
  keysOf,
  PAGE_BLOCKS,
  pageInKey,
  pagesOf,
  partitionIn,
  versionHash,
  versionKey,
} from './cache-keys.ts'
import { parseBlock, parsePage, parseVersion } from './cache-records.ts'
import { readUsage, storedBytes, usageIn } from './cache-usage.ts'
import { deleteRows, listRows, parseRecord, readRecord, readRow } from './cache-store.ts'

/** Blocks of a version that are looked up one by one. */
const MOST_LOOKUPS = 256
/** Versions of which it is remembered where a block was found. */
const MOST_REMEMBERED = 1000

/** Deletes the rows of versions of which no block is left, a few at a time. */
export class VersionSweeper {
  readonly #store: StreamStore
  readonly #host: StoreHost
  /** Key of the row that was looked at last. */
  #last: Uint8Array | undefined
  /** Where a block was found of a version, by the key of its row: there it is looked for first the next time. */
  readonly #found = new Map<string, number>()

  constructor(store: StreamStore, host: StoreHost) {
    this.#store = store
    this.#host = host
  }

  /** Looks at the next rows, about so many; after the last one, it begins again. */
  async sweep(most: number): Promise<void> {
    let seen = 0
    for await (const rows of listRows(this.#store, keysOf('e'), { after: this.#last })) {
      for (const row of rows) {
        this.#last = row.key
        await this.#look(row)
        if (++seen === most) return
      }
    }
    this.#last = undefined
  }

  async #look({ key, value }: SpaceRow): Promise<void> {
    const version = parseRecord(value, parseVersion)
    if (!version) return
    const partition = partitionIn(key)
    const alias = await aliasKeyOf(version.alias)
    const names = new BlockNames(this.#store, { ...version, partition, alias })
    const stored = storedBytes(await readUsage(this.#store, this.#host))
    if (await this.#hasBlock(toMapKey(key), names)) return
    const pin = versionKey('p', partition, alias)
    if (await readRow(this.#store, pin)) return
    const isDeleted = await this.#store.transaction(async (tx) => {
      const current = await tx.get(key)
      if (!current || toMapKey(current) !== toMapKey(value) || (await tx.get(pin))) return false
      // A block that was stored meanwhile may be one of this version.
      if (storedBytes(await usageIn(tx)) !== stored) return false
      tx.delete(key)
      return true
    })
    if (!isDeleted) return
    for await (const pages of listRows(this.#store, pagesOf(partition, alias))) {
      await deleteRows(
        this.#store,
        pages.map((page) => page.key),
      )
    }
  }

  async #hasBlock(key: string, names: BlockNames): Promise<boolean> {
    const remembered = this.#found.get(key)
    if (remembered !== undefined && (await this.#isHere(names, remembered))) return true
    this.#found.delete(key)
    if (names.count > MOST_LOOKUPS && names.version.names === 'etag') return this.#hasBlockOf(names.version)
    for await (const index of names.count > MOST_LOOKUPS ? this.#knownBlocks(names) : range(names.count)) {
      if (!(await this.#isHere(names, index))) continue
      if (this.#found.size === MOST_REMEMBERED) this.#found.clear()
      this.#found.set(key, index)
      return true
    }
    return false
  }

  /** The blocks of a version whose digests are known: a version may claim to be as long as it likes. */
  async *#knownBlocks({ version }: BlockNames): AsyncGenerator<number> {
    const pages = pagesOf(version.partition, version.alias, await versionHash(version))
    for await (const rows of listRows(this.#store, pages)) {
      for (const { key, value } of rows) {
        const first = pageInKey(key) * PAGE_BLOCKS
        for (const [i, digest] of (parseRecord(value, parsePage) ?? []).entries()) if (digest) yield first + i
      }
    }
  }

  /** Whether there is a block of an entry whose blocks belong to nobody else. */
  async #hasBlockOf({ partition, alias }: NamedVersion): Promise<boolean> {
    for await (const rows of listRows(this.#store, keysOf('b', partition))) {
      for (const { value } of rows) {
        const block = parseRecord(value, parseBlock)
        if (block && equalBytes(block.owner, alias.hash)) return true
      }
    }
    return false
  }

  async #isHere(names: BlockNames, index: number): Promise<boolean> {
    const name = await names.known(index)
    if (!name) return false
    return (await readRecord(this.#store, blockKey(names.version.partition, name), parseBlock)) !== undefined
  }
}

function* range(count: number): Generator<number> {
  for (let i = 0; i < count; i++) yield i
}
