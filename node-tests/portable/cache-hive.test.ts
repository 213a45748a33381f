import { inject } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { cachedHive } from '../../src/cache/cached-hive.ts'
import type { Hive } from '../../src/hive/hive.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { HttpHive } from '../../src/http/client/http-hive.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { hiveSuite } from '../support/hive-suite.ts'
import { sample } from '../support/sample.ts'

let hives = 0

/** Two tabs that share a cache. */
function tabs(remote: Hive): Promise<{ hive: Hive; other: Hive }> {
  const store = new StreamStore(memoryBackend(), { name: 'cache' })
  const open = (): Hive => cachedHive(remote, store, { bytes: 50_000_000 })
  return Promise.resolve({ hive: open(), other: open() })
}

const REMOTES: readonly (readonly [string, () => Hive])[] = [
  ['a LocalHive', () => new LocalHive(new StreamStore(memoryBackend(), { blockSize: 1_000 }))],
  ['an HttpHive', () => new HttpHive(`${inject('hiveUrl')}-/hives/cache-${Date.now()}-${hives++}/`)],
]

for (const [kind, remote] of sample(REMOTES, 2)) hiveSuite(`cachedHive in front of ${kind}`, () => tabs(remote()))
