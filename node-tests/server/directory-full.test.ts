import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { directoryBackend } from '../../src/backends/directory.ts'
import { databaseError } from '../../src/backends/directory/engine-error.ts'
import { nodeFiles } from '../../src/backends/directory/file-calls.ts'
import { collect } from '../../src/bytes/collect.ts'
import { LocalHive } from '../../src/hive.ts'
import { StreamStore } from '../../src/store.ts'
import { CAN_MOUNT, type Mounted, mountSmall } from '../support/file-systems.ts'
import { inspectStore } from '../support/inspect-store.ts'
import { sample } from '../support/sample.ts'
import { pattern } from '../support/store-tools.ts'

let root = ''
let mounted: Mounted | undefined
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'combstream-'))
})
afterEach(() => {
  mounted?.unmount()
  mounted = undefined
})
afterAll(() => rm(root, { recursive: true, force: true }))

/** Returns the bytes of an entry. All entries differ. */
function contentOf(alias: string): Uint8Array<ArrayBuffer> {
  return pattern(2000 + Number(alias))
}

/** Stores entries until that fails. Adds the alias of each to `stored`. */
async function fill(directory: string, stored: string[]): Promise<never> {
  // Opens the hive repeatedly, so that SQLite needs new shared memory and a new log.
  for (let alias = 0; ;) {
    const store = new StreamStore(await directoryBackend(directory), { blockSize: 1000 })
    try {
      const hive = new LocalHive(store)
      for (const end = alias + 3; alias < end; alias++) {
        await new Blob([contentOf(String(alias))]).stream().pipeTo(hive.sink(String(alias)))
        stored.push(String(alias))
      }
    } finally {
      await store.close()
    }
  }
}

describe.skipIf(!CAN_MOUNT)('directoryBackend on a disk that becomes full', () => {
  const sizes = [1, 12, 20, 28, 36, 44, 60, 88, 160].map((size) => `size=${size}k`)
  const inodes = [2, 3, 4, 5, 6, 9, 16].map((count) => `size=4m,nr_inodes=${count}`)
  it.each(sample([...sizes, ...inodes]))('fails with a QuotaExceededError, and loses nothing (%s)', async (options) => {
    mounted = mountSmall(root, options)
    const directory = join(mounted.path, 'hive')
    const stored: string[] = []
    await expect(fill(directory, stored)).rejects.toMatchObject({ name: 'QuotaExceededError' })

    mounted.remount('size=8m,nr_inodes=10000')
    const backend = await directoryBackend(directory)
    const contents = await inspectStore(backend)
    expect(contents.problems).toEqual([])
    const hive = new LocalHive(new StreamStore(backend))
    await new Blob(['x']).stream().pipeTo(hive.sink('new'))
    const { entries } = await hive.list()
    expect(entries.map((entry) => entry.alias)).toEqual([...stored, 'new'].toSorted())
    for (const alias of stored) {
      expect(await collect((await hive.open(alias)).stream())).toEqual(contentOf(alias))
    }
    await backend.close()
  })

  it('reports an I/O error of SQLite as a full disk only if the disk is full', async () => {
    mounted = mountSmall(root, 'size=4k')
    const failure = Object.assign(new Error('disk I/O error'), { code: 'ERR_SQLITE_ERROR', errcode: 4874 })
    const withoutCode = Object.assign(new Error('disk I/O error'), { code: 'ERR_SQLITE_ERROR' })
    const cannotOpen = Object.assign(new Error('unable to open database file'), { errcode: 14 })
    for (const cause of [failure, withoutCode, cannotOpen]) {
      expect(await databaseError(cause, 'cannot', mounted.path, nodeFiles)).toMatchObject({
        name: 'QuotaExceededError',
        cause,
      })
      expect(await databaseError(cause, 'cannot', root, nodeFiles)).toMatchObject({ name: 'BackendError', cause })
    }
  })
})
