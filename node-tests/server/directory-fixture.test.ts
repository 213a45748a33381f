import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { directoryBackend } from '../../src/backends/directory.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { collect } from '../../src/bytes/collect.ts'
import { LocalHive } from '../../src/hive.ts'
import { DeltaStream, loadSignature, makeSignature } from '../../src/rsync.ts'
import { StreamStore } from '../../src/store.ts'
import {
  FIXTURE_BLOCK_SIZE,
  FULL_ENTRIES,
  KILLED_ENTRIES,
  readFixture,
  unpackHive,
  USER_ROW,
  type FixtureEntry,
  type HiveFixture,
} from '../support/hive-fixture.ts'
import { inspectStore } from '../support/inspect-store.ts'
import { pattern, text } from '../support/store-tools.ts'

const FIXTURES = ['hive-0.1.0']
const HIVES: readonly (readonly [name: string, entries: readonly FixtureEntry[]])[] = [
  ['full', FULL_ENTRIES],
  ['killed', KILLED_ENTRIES],
  ['emptied', []],
  ['empty', []],
  ['killed empty', []],
]

let root = ''
let made = 0
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'combstream-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

interface OpenHive {
  readonly hive: LocalHive
  readonly store: StreamStore
}

async function open(directory: string): Promise<OpenHive> {
  const store = new StreamStore(await directoryBackend(directory, { create: false }))
  return { hive: new LocalHive(store), store }
}

async function put(hive: LocalHive, alias: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  await bytesSource(bytes).stream().pipeTo(hive.sink(alias))
}

async function read(hive: LocalHive, alias: string): Promise<Uint8Array> {
  return collect((await hive.open(alias)).stream())
}

describe.each(FIXTURES)('%s', (fixtureName) => {
  let fixture: HiveFixture
  beforeAll(async () => {
    fixture = await readFixture(fixtureName)
  })

  async function unpack(name: string): Promise<string> {
    const directory = join(root, String(made++))
    await unpackHive(fixture.hives[name]!, directory)
    return directory
  }

  describe.each(HIVES)('the hive "%s"', (name, entries) => {
    it('lists the same entries as when it was made', async () => {
      const { hive, store } = await open(await unpack(name))
      const listed = (await hive.list()).entries.map((entry) => ({ ...entry, modified: entry.modified.toISOString() }))
      expect(listed).toEqual(fixture.listed[name])
      expect(listed.map((entry) => entry.alias)).toEqual(entries.map((entry) => entry.alias))
      await store.close()
    })

    it('returns the bytes, ranges, types and signatures of its entries', async () => {
      const { hive, store } = await open(await unpack(name))
      for (const { alias, bytes, type = 'application/octet-stream' } of entries) {
        const entry = await hive.open(alias)
        expect(entry).toMatchObject({ alias, type, size: bytes.byteLength })
        expect(await collect(entry.stream())).toEqual(bytes)
        expect(await collect(entry.slice(-4, -1).stream())).toEqual(bytes.slice(-4, -1))
        const signature = await makeSignature(bytesSource(bytes))
        expect(await collect(entry.signature())).toEqual(signature)
      }
      await store.close()
    })

    it('accepts new entries, new versions, deltas and removals', async () => {
      const directory = await unpack(name)
      const { hive, store } = await open(directory)
      await put(hive, 'new', pattern(50))
      for (const { alias, bytes } of entries) {
        const basis = await loadSignature((await hive.open(alias)).signature())
        const edited = new Uint8Array([...bytes, 1, 2, 3])
        const delta = bytesSource(edited).stream().pipeThrough(new DeltaStream(basis))
        await delta.pipeTo(hive.patchSink(alias))
        expect(await read(hive, alias)).toEqual(edited)
        await put(hive, alias, bytes)
      }
      for (const { alias } of entries.slice(1)) await hive.remove(alias)
      await store.close()

      const backend = await directoryBackend(directory)
      expect((await inspectStore(backend)).problems).toEqual([])
      const again = new LocalHive(new StreamStore(backend))
      const left = [...entries.slice(0, 1), { alias: 'new', bytes: pattern(50) }]
      expect((await again.list()).entries.map((entry) => entry.alias)).toEqual(left.map((entry) => entry.alias))
      for (const { alias, bytes } of left) expect(await read(again, alias)).toEqual(bytes)
      await backend.close()
    })
  })

  it.each(HIVES)('a collection of the hive "%s" leaves exactly what its entries need', async (name, entries) => {
    const directory = await unpack(name)
    const backend = await directoryBackend(directory, { create: false })
    const store = new StreamStore(backend)
    const hive = new LocalHive(store)
    // All leases of the fixture ended long ago.
    const preview = await store.collectGarbage({ dryRun: true, graceMs: 0 })
    expect(await store.collectGarbage({ graceMs: 0 })).toEqual(preview)
    expect((await store.collectGarbage({ graceMs: 0 })).freed).toEqual({ streams: 0, objects: 0, bytes: 0 })
    const contents = await inspectStore(backend)
    expect(contents).toMatchObject({ problems: [], unfinished: [] })
    for (const kind of ['c', 'i', 't']) expect(contents.counts[kind]).toBeUndefined()
    for (const { alias, bytes } of entries) {
      expect(await read(hive, alias)).toEqual(bytes)
      expect(await collect((await hive.open(alias)).signature())).toEqual(await makeSignature(bytesSource(bytes)))
    }
    for (const { alias } of entries) await hive.remove(alias)
    await store.collectGarbage({ graceMs: 0 })
    const { counts, objects } = await inspectStore(backend)
    const user = name === 'full'
    expect(objects).toBe(user ? Math.ceil(USER_ROW.stream.byteLength / FIXTURE_BLOCK_SIZE) : 0)
    expect(Object.keys(counts).toSorted()).toEqual(user ? ['h', 'm', 'r', 's', 'u', 'v'] : counts['v'] ? ['v'] : [])
    await store.close()
  })

  it('has the rows and streams of its user', async () => {
    const { store } = await open(await unpack('full'))
    expect(await store.transaction(async (tx) => tx.get(USER_ROW.key))).toEqual(USER_ROW.value)
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', USER_ROW.stream))
    const [id] = await store.lookup([digest])
    expect(await collect((await store.open(id!)).stream())).toEqual(USER_ROW.stream)
    await store.transaction((tx) => tx.unmarkAsUsed(id!, USER_ROW.reference))
    await store.transaction((tx) => tx.markAsUsed(id!, text('another')))
    await store.close()
  })
})
