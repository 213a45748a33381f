// A worker that stores entries in the hive whose name it is sent, one after the other, and says
// when each has been stored.
import { indexedDbBackend } from '../../src/backends/indexeddb.ts'
import { LocalHive } from '../../src/hive.ts'
import { StreamStore } from '../../src/store.ts'

/** Bytes of a block. Entries have several. */
export const BLOCK_SIZE = 20_000

/** Content of an entry. The entries of one and two share their content, and so do those of three and four, and so on. */
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
