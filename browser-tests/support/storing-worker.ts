// A worker that receives the name of a hive, stores entries there one after the other, and posts a message after each.
import { indexedDbBackend } from '../../src/backends/indexeddb.ts'
import { LocalHive } from '../../src/hive.ts'
import { StreamStore } from '../../src/store.ts'

/** Block size in bytes. Entries have several blocks. */
export const BLOCK_SIZE = 20_000

/** Returns the content of an entry. Entries 0 and 1 have the same content, and so do 2 and 3, and so on. */
export function contentOf(number: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(50_000).fill(1 + ((number >> 1) % 250))
}

onmessage = async ({ data }: MessageEvent<{ name: string; worker: number }>): Promise<void> => {
  const store = new StreamStore(await indexedDbBackend(data.name), { blockSize: BLOCK_SIZE })
  const hive = new LocalHive(store)
  for (let number = 0; ; number++) {
    const alias = `${data.worker}/${number}`
    await new Blob([contentOf(number)]).stream().pipeTo(hive.sink(alias))
    postMessage({ alias, number })
  }
}
