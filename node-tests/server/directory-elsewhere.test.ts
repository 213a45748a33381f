import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { directoryBackend, type DirectoryBackendOptions } from '../../src/backends/directory.ts'
import { memoryBackend } from '../../src/backends/memory.ts'
import { collect } from '../../src/bytes/collect.ts'
import { LocalHive } from '../../src/hive.ts'
import { type Backend, StreamStore } from '../../src/store.ts'
import { elsewhereSuite } from '../support/elsewhere-suite.ts'
import { pattern } from '../support/store-tools.ts'
import { rejection } from '../support/streams.ts'

let root: string
const backends: Backend[] = []
let places = 0

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'combstream-'))
})

afterEach(async () => {
  await Promise.all(backends.splice(0).map((backend) => backend.close()))
})

afterAll(() => rm(root, { recursive: true, force: true }))

const newPlace = (): string => join(root, String(places++))

async function open(path: string, options: DirectoryBackendOptions): Promise<Backend> {
  const backend = await directoryBackend(path, { thread: false, ...options })
  backends.push(backend)
  return backend
}

function inDatabase<T>(path: string, use: (database: DatabaseSync) => T): Promise<T> {
  const database = new DatabaseSync(join(path, 'metadata.sqlite'))
  try {
    return Promise.resolve(use(database))
  } finally {
    database.close()
  }
}

describe('directoryBackend', () => {
  elsewhereSuite({
    newPlace,
    open: (path, blocks) => open(path, { blocks }),
    forgetClaim: (path) => inDatabase(path, (database) => database.exec('UPDATE place SET claimed = 0')),
    hasClaimed: (path) =>
      inDatabase(path, (database) => database.prepare('SELECT claimed FROM place').get()!['claimed'] === 1),
  })

  it('has no block in its own directory if they are elsewhere', async () => {
    const path = newPlace()
    const store = new StreamStore(await open(path, { blocks: memoryBackend() }))
    await new Blob([pattern(50_000)]).stream().pipeTo(new LocalHive(store).sink('bee'))
    expect(await readdir(join(path, 'blocks'))).toEqual([])
  })

  it('reads blocks that are elsewhere if it is open only for reading, and claims nothing then', async () => {
    const path = newPlace()
    const elsewhere = memoryBackend()
    const blocks = { blocks: elsewhere.blocks, close: () => Promise.resolve() }
    const store = new StreamStore(await open(path, { blocks }))
    await new Blob([pattern(50_000)]).stream().pipeTo(new LocalHive(store).sink('bee'))
    await store.close()
    const reader = new LocalHive(new StreamStore(await open(path, { blocks, readOnly: true })))
    expect(await collect((await reader.open('bee')).stream())).toEqual(pattern(50_000))

    const unclaimed = newPlace()
    await open(unclaimed, { blocks: memoryBackend() })
    await inDatabase(unclaimed, (database) => database.exec('UPDATE place SET claimed = 0'))
    const other = memoryBackend()
    await open(unclaimed, { blocks: other, readOnly: true })
    expect(await other.blocks.list({ prefix: '', limit: 1 })).toEqual([])
  })

  it('refuses blocks that are not a backend', async () => {
    const path = newPlace()
    const error = await rejection(directoryBackend(path, { blocks: memoryBackend().blocks as never }))
    expect(error).toMatchObject({ name: 'TypeError', message: expect.stringMatching(/^blocks must be a backend/) })
    expect(await rejection(readdir(path))).toMatchObject({ code: 'ENOENT' })
  })
})
