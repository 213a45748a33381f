// A worker that receives the name of a hive, stores entries there one after the other, and posts a message after each.
import { indexedDbBackend } from '../../src/backends/indexeddb.ts'
import { LocalHive } from '../../src/hive.ts'
import { StreamStore } from '../../src/store.ts'
import { BLOCK_SIZE, contentOf } from './stored-entries.ts'

onmessage = async ({ data }: MessageEvent<{ name: string; worker: number }>): Promise<void> => {
  const store = new StreamStore(await indexedDbBackend(data.name), { blockSize: BLOCK_SIZE })
  const hive = new LocalHive(store)
  for (let number = 0; ; number++) {
    const alias = `${data.worker}/${number}`
    await new Blob([contentOf(number)]).stream().pipeTo(hive.sink(alias))
    postMessage({ alias, number })
  }
}
