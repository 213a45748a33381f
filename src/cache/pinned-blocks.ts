import { toMapKey } from '../bytes/byte-text.ts'
import type { StreamStore } from '../store/stream-store.ts'
import { BlockNames } from './block-names.ts'
import { aliasKeyOf, blockKey, keysOf, partitionIn, versionKey } from './cache-keys.ts'
import { parseVersion, type VersionRecord } from './cache-records.ts'
import { listRows, parseRecord, readRecord } from './cache-store.ts'

/** A pinned version, and whose it is. */
export interface Pin {
  readonly partition: Uint8Array
  readonly version: VersionRecord
}

/**
 * All pins of a store that count; those of one partition, if it is given. While an entry is gone, as far as the cache knows,
 * its pin does not count: nobody could read what it keeps.
 */
export async function listPins(store: StreamStore, of?: Uint8Array): Promise<Pin[]> {
  const pins: Pin[] = []
  for await (const rows of listRows(store, keysOf('p', of))) {
    for (const { key, value } of rows) {
      const version = parseRecord(value, parseVersion)
      if (!version) continue
      const partition = partitionIn(key)
      const seen = await readRecord(store, versionKey('e', partition, await aliasKeyOf(version.alias)), parseVersion)
      const isGone = seen?.successor !== undefined && seen.successor.etag === undefined
      if (!isGone) pins.push({ partition, version })
    }
  }
  return pins
}

/** The keys of the blocks of all pinned versions, as far as they are known: what is not known is not stored either. */
export async function pinnedBlocks(store: StreamStore): Promise<ReadonlySet<string>> {
  const blocks = new Set<string>()
  for (const { partition, version } of await listPins(store)) {
    const names = new BlockNames(store, { ...version, partition, alias: await aliasKeyOf(version.alias) })
    for (let index = 0; index < names.count; index++) {
      const name = await names.known(index)
      if (name) blocks.add(toMapKey(blockKey(partition, name)))
    }
  }
  return blocks
}
