import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { toHex } from '../../src/bytes/byte-text.ts'
import { keysOf, useKey } from '../../src/cache/cache-keys.ts'
import { listRows } from '../../src/cache/cache-store.ts'
import { RecentUses } from '../../src/cache/recent-uses.ts'
import { systemHost } from '../../src/store/host.ts'
import { StreamStore } from '../../src/store/stream-store.ts'

const PARTITION = new Uint8Array(16).fill(1)
const [ONE, OTHER] = [new Uint8Array(16).fill(2), new Uint8Array(16).fill(3)]

describe('RecentUses', () => {
  it('notes each segment of each entry that the blocks of an answer are in', async () => {
    const store = new StreamStore(memoryBackend())
    const uses = new RecentUses(store, systemHost)
    const blocks = [
      { owner: ONE, index: 0 },
      { owner: ONE, index: 63 },
      { owner: ONE, index: 64 },
      { owner: OTHER, index: 65 },
      { owner: OTHER.slice(), index: 66 },
      { owner: ONE, index: 200 },
    ]
    await uses.note(PARTITION, blocks, 0)
    await uses.write()
    const keys: string[] = []
    for await (const rows of listRows(store, keysOf('t'))) keys.push(...rows.map(({ key }) => toHex(key)))
    expect(keys).toEqual(
      [...new Set(blocks.map(({ owner, index }) => toHex(useKey(PARTITION, owner, index))))].toSorted(),
    )
    expect(keys).toHaveLength(4)
  })
})
