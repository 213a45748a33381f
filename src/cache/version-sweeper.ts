import { toMapKey } from '../bytes/byte-text.ts'
import type { StreamStore } from '../store/stream-store.ts'
import type { SpaceRow } from '../store/transactions/transaction.ts'
import { BlockNames } from './block-names.ts'
import { aliasKeyOf, blockKey, keysOf, pagesOf, partitionIn, versionKey } from './cache-keys.ts'
import { parseBlock, parseVersion } from './cache-records.ts'
import { deleteRows, listRows, parseRecord, readRecord, readRow } from './cache-store.ts'

/** Blocks of a version that are looked up: the rows of a longer one of which none is found are left alone. */
const MOST_LOOKUPS = 256

/** Deletes the rows of versions of which no block is left, a few at a time. */
export class VersionSweeper {
  readonly #store: StreamStore
  /** Key of the row that was looked at last. */
  #last: Uint8Array | undefined

  constructor(store: StreamStore) {
    this.#store = store
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
    if (names.count > MOST_LOOKUPS) return
    for (let index = 0; index < names.count; index++) {
      const name = await names.known(index)
      if (name && (await readRecord(this.#store, blockKey(partition, name), parseBlock))) return
    }
    if (await readRow(this.#store, versionKey('p', partition, alias))) return
    const isDeleted = await this.#store.transaction(async (tx) => {
      const current = await tx.get(key)
      // A block that is stored meanwhile notes its version in the same commit.
      if (!current || toMapKey(current) !== toMapKey(value)) return false
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
}
