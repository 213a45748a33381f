import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { directoryBackend } from '../../src/backends/directory.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { hiveSuite } from '../support/hive-suite.ts'

const cleanups: (() => Promise<unknown>)[] = []
afterAll(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup()
})

hiveSuite(
  'LocalHive on a directory',
  async () => {
    const path = await mkdtemp(join(tmpdir(), 'combstream-hive-'))
    cleanups.push(() => rm(path, { recursive: true }))
    // Two engines on one directory, like those of two processes.
    const [hive, other] = await Promise.all(
      [path, path].map(async (directory) => {
        const backend = await directoryBackend(directory, { thread: false })
        cleanups.push(() => backend.close())
        return new LocalHive(new StreamStore(backend, { blockSize: 1_000 }))
      }),
    )
    return { hive: hive!, other: other! }
  },
  { isDealt: true },
)
