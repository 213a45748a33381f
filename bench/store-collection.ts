import { join } from 'node:path'
import { StreamStore } from 'combstream'
import type { Mutation } from 'combstream/store'
import { directoryBackend } from 'combstream/backends/directory'
import { memoryBackend } from 'combstream/backends/memory'
import { compareBytes, equalBytes } from '../src/bytes/byte-order.ts'
import { fromHex } from '../src/bytes/byte-text.ts'
import { type Contest, type Cost, timed } from './contest.ts'
import { noise } from './noise.ts'
import { inParallel, REFERENCE, storeContent } from './store-contents.ts'

const DEAD = 1000
/** More than a stream's row holds, so that each stream has an object to delete. */
const DEAD_BYTES = 20_000
const WRITERS = 8
/** Number of living streams that one commit copies into the hive. */
const BATCH = 25_000

/** Collecting dead streams among few living ones, and among many. */
export async function collectionContest(directory: string, few: number, many: number): Promise<Contest> {
  const [small, large] = [join(directory, 'few'), join(directory, 'many')]
  await fill(small, few)
  await fill(large, many)
  let seed = 3
  const collect = async (hive: string): Promise<Cost> => {
    const store = new StreamStore(await directoryBackend(hive))
    await leaveDead(store, seed++)
    const cost = await timed(async () => {
      const { freed } = await store.collectGarbage({ graceMs: 0 })
      if (freed.streams !== DEAD) throw new Error(`collected ${freed.streams} streams instead of ${DEAD}`)
    })
    await store.close()
    return cost
  }
  return {
    what: `collection of ${DEAD} dead streams among ${many} living ones`,
    peerName: `the same among ${few}`,
    amount: DEAD,
    unit: '',
    // It may take at most 20 % longer.
    target: 1 / 1.2,
    ours: () => collect(large),
    peer: () => collect(small),
  }
}

/** Stores contents, and removes their only reference. */
async function leaveDead(store: StreamStore, seed: number): Promise<void> {
  const bytes = noise(DEAD * DEAD_BYTES, seed)
  const contents = Array.from({ length: DEAD }, (_, i) => bytes.subarray(i * DEAD_BYTES, (i + 1) * DEAD_BYTES))
  await inParallel(contents, WRITERS, async (content) => {
    const id = await storeContent(store, content)
    await store.transaction((tx) => tx.unmarkAsUsed(id, REFERENCE))
  })
}

/**
 * Fills a hive with living streams: copies the rows of one stored stream under other ids and digests, in large commits.
 * Storing 100,000 streams one by one would take minutes. Objects are left out, because a collection never reads those
 * of living streams.
 */
async function fill(directory: string, count: number): Promise<void> {
  const memory = memoryBackend()
  const store = new StreamStore(memory)
  const content = new Uint8Array([1])
  const id = fromHex(await storeContent(store, content))!
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', content))
  const rows = await memory.metadata.list({ prefix: new Uint8Array(0), limit: 100 })
  await store.close()

  const backend = await directoryBackend(directory)
  await backend.metadata.commit([], rows)
  for (let made = 1; made < count; made += BATCH) {
    const copies: Mutation[] = []
    for (let i = made; i < Math.min(made + BATCH, count); i++) {
      const names: [Uint8Array, Uint8Array][] = [
        [id, crypto.getRandomValues(new Uint8Array(id.byteLength))],
        [digest, crypto.getRandomValues(new Uint8Array(digest.byteLength))],
      ]
      for (const { key, value } of rows) {
        const copy = { key: replaceBytes(key, names), value: replaceBytes(value, names) }
        if (!equalBytes(copy.key, key)) copies.push(copy)
      }
    }
    await backend.metadata.commit(
      [],
      copies.toSorted((a, b) => compareBytes(a.key, b.key)),
    )
  }
  await backend.close()
}

/**
 * Returns a copy of the bytes. For each replacement, the first occurrence of the first bytes becomes the second bytes.
 */
function replaceBytes(bytes: Uint8Array, replacements: readonly [Uint8Array, Uint8Array][]): Uint8Array {
  const copy = Buffer.from(bytes)
  for (const [from, to] of replacements) {
    const offset = copy.indexOf(from)
    if (offset >= 0) copy.set(to, offset)
  }
  return copy
}
