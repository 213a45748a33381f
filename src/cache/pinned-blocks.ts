import { toMapKey } from '../bytes/byte-text.ts'
import type { StreamStore } from '../store/stream-store.ts'
import { BlockNames } from './block-names.ts'
import { aliasKeyOf, blockKey, keysOf, partitionIn } from './cache-keys.ts'
import { parseVersion, type VersionRecord } from './cache-records.ts'
import { listRows, parseRecord } from './cache-store.ts'

/** A pinned version, and whose it is. */
export interface Pin {
  readonly partition: Uint8Array
  readonly version: VersionRecord
}

/** All pins of a store; those of one partition, if it is given. */
export async function listPins(store: StreamStore, partition?: Uint8Array): Promise<Pin[]> {
  const pins: Pin[] = []
  for await (const rows of listRows(store, keysOf('p', partition))) {
    for (const { key, value } of rows) {
      const version = parseRecord(value, parseVersion)
      if (version) pins.push({ partition: partitionIn(key), version })
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
