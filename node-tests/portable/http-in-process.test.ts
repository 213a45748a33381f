import { memoryBackend } from '../../src/backends/memory.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { createHiveHandler, HttpHive } from '../../src/http.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { hiveSuite } from '../support/hive-suite.ts'

hiveSuite('HttpHive and a handler of the same program', () => {
  const handler = createHiveHandler(new LocalHive(new StreamStore(memoryBackend(), { blockSize: 1_000 })))
  const hive = new HttpHive('http://hive.test/', { fetch: (url, init) => handler(new Request(url, init)) })
  return Promise.resolve({ hive, other: hive })
})
