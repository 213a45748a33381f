import { memoryBackend } from '../../src/backends/memory.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { hiveSuite } from '../support/hive-suite.ts'

hiveSuite('LocalHive on the memory backend', () => {
  const hive = new LocalHive(new StreamStore(memoryBackend(), { blockSize: 1_000 }))
  return Promise.resolve({ hive, other: hive })
})
