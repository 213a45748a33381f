import { mkdtemp, rm } from 'node:fs/promises'
import type { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { directoryBackend } from '../../src/backends/directory.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { StreamStore } from '../../src/store.ts'
import { rejection } from '../support/streams.ts'

const A = new TextEncoder().encode('a')

describe('a store in a directory, with a transaction that the caller has open', () => {
  let root: string
  let store: StreamStore
  let database: DatabaseSync
  let id: string

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'combstream-'))
    store = new StreamStore(await directoryBackend(root, { thread: false }), { leaseMs: 0 })
    const sink = store.sink()
    await new Blob(['honey']).stream().pipeTo(sink)
    ;({ id } = await sink.stored)
    database = await connect(join(root, 'metadata.sqlite'))
    database.exec('CREATE TABLE bees (stream TEXT)')
  })

  afterAll(async () => {
    database?.close()
    await store?.close()
    if (root) await rm(root, { recursive: true })
  })

  async function connect(path: string): Promise<DatabaseSync> {
    const sqlite = await import('node:sqlite')
    return new sqlite.DatabaseSync(path)
  }

  const bees = (): unknown[] => database.prepare('SELECT stream FROM bees').all()
  const valueOf = (key: Uint8Array): Promise<Uint8Array | undefined> => store.transaction((tx) => tx.get(key))

  it('commits references and rows together with the tables of the caller, and not before', async () => {
    database.exec('BEGIN IMMEDIATE')
    database.prepare('INSERT INTO bees VALUES (?)').run(id)
    const inside = await store.transaction(
      async (tx) => {
        await tx.markAsUsed(id, A)
        tx.set(A, A)
        return new Response((await tx.open(id)).stream()).text()
      },
      { join: database },
    )
    expect(inside).toBe('honey')
    expect(await store.transaction((tx) => tx.get(A), { join: database })).toEqual(A)
    expect(await valueOf(A)).toBeUndefined()
    // Others wait for the end.
    const other = store.transaction(async (tx) => tx.set(new Uint8Array([7]), A))
    database.exec('COMMIT')
    await other
    expect(bees()).toHaveLength(1)
    expect(await valueOf(A)).toEqual(A)
    await store.collectGarbage({ graceMs: 0 })
    expect((await store.open(id)).size).toBe(5)
  })

  it('changes nothing if the caller rolls back', async () => {
    database.exec('BEGIN IMMEDIATE')
    database.exec('DELETE FROM bees')
    await store.transaction(
      async (tx) => {
        await tx.unmarkAsUsed(id, A)
        tx.delete(A)
      },
      { join: database },
    )
    database.exec('ROLLBACK')
    expect(bees()).toHaveLength(1)
    expect(await valueOf(A)).toEqual(A)
    await store.collectGarbage({ graceMs: 0 })
    expect((await store.open(id)).size).toBe(5)
    // No file names the commit that was rolled back.
    const again = await directoryBackend(root, { create: false })
    await again.close()
  })

  it('links and removes entries together with the tables of the caller, or not at all', async () => {
    const hive = new LocalHive(store)
    await new Blob(['wax']).stream().pipeTo(hive.sink('old'))
    for (const end of ['ROLLBACK', 'COMMIT']) {
      database.exec('BEGIN IMMEDIATE')
      await hive.link('new', id, { join: database, type: 'text/plain' })
      await hive.remove('old', { join: database })
      expect((await hive.list()).entries.map(({ alias }) => alias)).toEqual(['old'])
      database.exec(end)
    }
    const { entries } = await hive.list()
    expect(entries).toMatchObject([{ alias: 'new', type: 'text/plain', size: 5 }])
    await store.collectGarbage({ graceMs: 0 })
    expect(await new Response((await hive.open('new')).stream()).text()).toBe('honey')
  })

  it('takes only a connection to its own database, in a transaction', async () => {
    const work = async (): Promise<void> => undefined
    const elsewhere = await connect(':memory:')
    elsewhere.exec('BEGIN')
    for (const wrong of [database, elsewhere, {}, null, 'BEGIN']) {
      expect(await rejection(store.transaction(work, { join: wrong }))).toMatchObject({ name: 'TypeError' })
    }
    elsewhere.close()
    database.exec('BEGIN IMMEDIATE')
    const late = store.transaction(
      async (tx) => {
        database.exec('COMMIT')
        await tx.get(A)
      },
      { join: database },
    )
    expect(await rejection(late)).toMatchObject({ name: 'TypeError' })
  })
})
