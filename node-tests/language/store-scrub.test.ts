import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { fromHex, toHex } from '../../src/bytes/byte-text.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import {
  type Backend,
  BackendError,
  type ScrubOptions,
  type ScrubReport,
  StreamStore,
  systemHost,
} from '../../src/store.ts'
import { RowKeys } from '../../src/store/rows/row-keys.ts'
import { formatPage, formatStream, formatStreamId, parsePage, parseStream } from '../../src/store/rows/row-values.ts'
import { dump } from '../support/hasty-collector.ts'
import { inspectStore } from '../support/inspect-store.ts'
import { movePages, pattern, put, text } from '../support/store-tools.ts'
import { VirtualHost } from '../support/virtual-host.ts'

const HOUR = 3_600_000
const KEYS = new RowKeys('')
const REF = { reference: text('r') }
/** Ids of objects that no row names. */
const ORPHANS = ['00', '77', 'ff'].map((first) => first.padEnd(32, '5'))

function start({ blockSize = 4, scrubObjects = 1000 } = {}) {
  const host = new VirtualHost({ budget: { ...systemHost.budget, scrubObjects } })
  const backend = memoryBackend()
  const open = (on: Backend = backend) => new StreamStore(on, { blockSize, inMemoryThreshold: 8, host })
  return { backend, host, store: open(), open, ...tools(backend) }
}

/** Reads and writes the backend directly, bypassing the store. */
function tools({ metadata, blocks }: Backend) {
  const read = async (key: Uint8Array) => (await metadata.get(key))!.value
  const write = async (key: Uint8Array, value: Uint8Array | undefined) => {
    expect(await metadata.commit([], [{ key, value }])).not.toBe(false)
  }
  const change = async (key: Uint8Array, to: (value: Uint8Array) => Uint8Array | undefined) => {
    await write(key, to((await read(key)).slice()))
  }
  const objectOf = async (id: string, block: number) =>
    KEYS.object(parsePage(await read(KEYS.page(fromHex(id)!, 0))).entries[block]!.object)
  const replaceBlock = async (id: string, block: number, to: (bytes: Uint8Array) => Uint8Array | undefined) => {
    const name = await objectOf(id, block)
    const bytes = to((await blocks.get(name))!)
    await blocks.delete(name)
    if (bytes) await blocks.put(name, bytes)
  }
  const addOrphans = async (ids: readonly string[] = ORPHANS) => {
    for (const id of ids) await blocks.put(`o.${id}`, pattern(3))
  }
  return { read, write, change, objectOf, replaceBlock, addOrphans }
}

/** Returns the report of a scrub, after checking that the scrub changed nothing. */
async function look(backend: Backend, store: StreamStore, options: ScrubOptions = {}): Promise<ScrubReport> {
  const before = await dump(backend)
  const report = await store.scrub(options)
  expect(await dump(backend)).toEqual(before)
  return report
}

const flipped = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === 1 ? byte ^ 1 : byte))
const NOTHING_MOVED = { count: 0, bytes: 0, until: undefined }
const NO_ORPHANS = { count: 0, bytes: 0, names: [], uncertain: false }
const NO_DAMAGE = { streams: 0, blocks: 0, marked: 0, list: [] }

describe('scrub', () => {
  it('reads every block of a whole store, reports nothing, and changes nothing', async () => {
    const { backend, store } = start()
    const nothing = {
      objects: { count: 0, bytes: 0 },
      checked: { streams: 0, blocks: 0, bytes: 0 },
      damaged: NO_DAMAGE,
      orphans: NO_ORPHANS,
      moved: NOTHING_MOVED,
      problems: [],
    }
    expect(await look(backend, store)).toEqual(nothing)
    // The second stream has its content in its row.
    for (const size of [0, 1, 4, 9]) await put(store, pattern(size), REF)
    await put(store, text('a signature'), { reference: text('s'), expires: new Date(4e12) })
    const whole = { ...nothing, objects: { count: 7, bytes: 24 }, checked: { streams: 5, blocks: 7, bytes: 24 } }
    expect(await look(backend, store)).toEqual(whole)
    expect(await look(backend, store, { repair: true })).toEqual(whole)
    expect(await look(backend, store, { repair: true, force: true })).toEqual(whole)
  })

  it('reports its progress block by block', async () => {
    const { store } = start()
    await put(store, pattern(9), REF)
    await put(store, pattern(30), REF)
    const seen: ScrubReport[] = []
    const report = await store.scrub({ onProgress: (each) => seen.push(each) })
    const bytes = seen.map(({ checked }) => checked.bytes)
    expect(bytes).toEqual(bytes.toSorted((a, b) => a - b))
    expect(new Set(bytes).size).toBe(12)
    // The objects are known before the first block is read.
    expect(seen.find(({ checked }) => checked.blocks === 1)!.objects).toEqual({ count: 11, bytes: 39 })
    expect(seen.at(-1)).toEqual(report)
  })

  const damages: {
    name: string
    blocks: number[]
    count?: number
    says: string
    marked?: boolean
    inflict(id: string, on: ReturnType<typeof start>): Promise<unknown>
  }[] = [
    {
      name: 'a block with a flipped bit',
      blocks: [1],
      says: 'block 1 of stored stream ID is damaged',
      inflict: (id, on) => on.replaceBlock(id, 1, flipped),
    },
    {
      name: 'a truncated block',
      blocks: [0],
      says: 'block 0 of stored stream ID is damaged',
      inflict: (id, on) => on.replaceBlock(id, 0, (bytes) => bytes.slice(1)),
    },
    {
      name: 'a block with a byte more',
      blocks: [2],
      says: 'block 2 of stored stream ID is damaged',
      inflict: (id, on) => on.replaceBlock(id, 2, (bytes) => new Uint8Array([...bytes, 0])),
    },
    {
      name: 'two blocks that are missing',
      blocks: [0, 2],
      says: 'block 0 of stored stream ID is missing',
      async inflict(id, on) {
        await on.replaceBlock(id, 2, () => undefined)
        await on.replaceBlock(id, 0, () => undefined)
      },
    },
    {
      name: 'a page that is missing',
      blocks: [0, 1, 2],
      says: 'block 0 of stored stream ID is missing',
      inflict: (id, on) => on.write(KEYS.page(fromHex(id)!, 0), undefined),
    },
    {
      name: 'a page that cannot be parsed',
      blocks: [0, 1, 2],
      says: 'page 0 of stored stream ID is damaged: page record: it ends too early',
      inflict: (id, on) => on.change(KEYS.page(fromHex(id)!, 0), (value) => value.slice(0, -1)),
    },
    {
      name: 'a page of another stream',
      blocks: [2],
      says: 'page 0 does not fit the size of stored stream ID',
      inflict: (id, on) =>
        on.change(KEYS.page(fromHex(id)!, 0), (value) => {
          const page = parsePage(value)
          return formatPage({ ...page, entries: page.entries.slice(0, 2) })
        }),
    },
    {
      name: 'blocks in another order',
      blocks: [],
      says: 'the bytes of stored stream ID do not match its digest',
      inflict: (id, on) =>
        on.change(KEYS.page(fromHex(id)!, 0), (value) => {
          const { entries, ...page } = parsePage(value)
          return formatPage({ ...page, entries: [entries[1]!, entries[0]!, entries[2]!] })
        }),
    },
    {
      name: 'a row that cannot be parsed',
      blocks: [],
      says: 'the row of stored stream ID is damaged: stream record: it ends too early',
      marked: false,
      inflict: (id, on) => on.change(KEYS.stream(fromHex(id)!), (value) => value.slice(0, -1)),
    },
    {
      name: 'a row that is lost',
      blocks: [],
      says: 'the row of stored stream ID is missing',
      marked: false,
      inflict: (id, on) => on.write(KEYS.stream(fromHex(id)!), undefined),
    },
    {
      name: 'a row that says that it is being deleted',
      blocks: [],
      says: 'stored stream ID is deleting, although it has a reference',
      marked: false,
      inflict: (id, on) =>
        on.change(KEYS.stream(fromHex(id)!), (value) =>
          formatStream({ ...parseStream(value), status: { kind: 'deleting', reason: 'collected' } }),
        ),
    },
  ]

  it.each(damages)('finds and marks a stream with $name', async ({ blocks, says, marked = true, inflict }) => {
    const on = start()
    const { backend, store, open } = on
    await put(store, pattern(9), REF)
    const { id } = await put(store, text('3 blocks..'), REF)
    await put(store, text('whole'), REF)
    await inflict(id, on)
    const { count: slept } = on.host.slept
    const found = await look(backend, store)
    // Damage is not read repeatedly.
    expect(on.host.slept.count).toBe(slept)
    expect(found.checked.streams).toBe(3)
    const [damage] = found.damaged.list
    expect({ ...damage, error: damage!.error.message.replace(id, 'ID') }).toEqual({
      id,
      error: expect.stringContaining(says),
      damagedBlocks: blocks.length,
      blocks,
      references: [{ owner: 'user', reference: text('r') }],
      moreReferences: false,
      marked: false,
    })
    expect(damage!.error).toMatchObject({ name: 'IntegrityError' })
    const counts = { streams: 1, blocks: blocks.length, marked: marked ? 1 : 0 }
    expect(found.damaged).toEqual({ ...counts, marked: 0, list: [damage] })

    // `force`, because blocks of a lost page are orphans.
    const options = { repair: true, force: true }
    const expected = await look(backend, store, { ...options, dryRun: true })
    expect(expected.damaged).toEqual({ ...counts, list: [{ ...damage, marked }] })
    expect(await open().scrub(options)).toEqual(expected)
    const row = (await backend.metadata.get(KEYS.stream(fromHex(id)!)))?.value
    if (marked) expect(parseStream(row!).damaged).toBe(true)
    expect((await store.scrub()).damaged.list[0]!.marked).toBe(marked)
  })

  it('checks compressed blocks, and counts bytes as they are stored', async () => {
    const { backend, host, replaceBlock } = start()
    const store = new StreamStore(backend, { blockSize: 1000, codec: 'deflate', host })
    const { id } = await put(store, new Uint8Array(5500), REF)
    const whole = await store.scrub()
    expect(whole).toMatchObject({ checked: { blocks: 6 }, damaged: NO_DAMAGE })
    expect(whole.objects.bytes).toBeLessThan(500)
    expect(whole.checked.bytes).toBe(whole.objects.bytes)
    await replaceBlock(id, 2, flipped)
    expect((await store.scrub()).damaged.list).toMatchObject([{ id, blocks: [2] }])
  })

  it('rejects with what its listener throws', async () => {
    const { store } = start()
    await put(store, pattern(30), REF)
    for (const at of [1, 3]) {
      const onProgress = ({ checked }: ScrubReport): void => {
        if (checked.blocks === at) throw new RangeError('the listener fails')
      }
      await expect(store.scrub({ onProgress })).rejects.toThrow('the listener fails')
    }
  })

  it('counts all damaged blocks of a stream, and lists the first hundred', async () => {
    const { backend, store, open, read } = start({ blockSize: 1 })
    const { id } = await put(store, pattern(600), REF)
    const { entries } = parsePage(await read(KEYS.page(fromHex(id)!, 0)))
    for (const { object } of entries.slice(10, 500)) await backend.blocks.delete(KEYS.object(object))
    const { damaged } = await open().scrub()
    expect(damaged).toMatchObject({ streams: 1, blocks: 490 })
    expect(damaged.list[0]!.blocks).toEqual(Array.from({ length: 100 }, (_, i) => i + 10))
  })

  it('counts a block that the engine cannot read as damaged, and fails if the engine itself fails', async () => {
    const { backend, store, open, objectOf } = start()
    const { id } = await put(store, pattern(20), REF)
    const bad = await objectOf(id, 3)
    const failing = (retryable: boolean): Backend => ({
      ...backend,
      blocks: {
        ...backend.blocks,
        get: (name, options) =>
          name === bad
            ? Promise.reject(new BackendError('input or output failed', { retryable }))
            : backend.blocks.get(name, options),
      },
    })
    const { damaged, checked } = await open(failing(false)).scrub({ repair: true })
    expect(damaged).toMatchObject({ streams: 1, blocks: 1, marked: 1, list: [{ blocks: [3] }] })
    expect(checked.blocks).toBe(4)
    await expect(open(failing(true)).scrub()).rejects.toMatchObject({ name: 'BackendError', retryable: true })
  })

  it('reports the references of damaged streams', async () => {
    const { store, replaceBlock, write } = start()
    const hive = new LocalHive(store)
    for (const alias of ['x', 'a'.repeat(1023)]) {
      await new Blob(['content']).stream().pipeTo(hive.sink(alias))
    }
    const [row] = await store.lookup([new Uint8Array(await crypto.subtle.digest('SHA-256', text('content')))])
    const id = row!
    const { id: popular } = await put(store, text('popular'))
    for (let i = 0; i < 101; i++) {
      await store.transaction((tx) => tx.markAsUsed(popular, text(`reference ${i}`)))
    }
    // References that this version cannot read are skipped.
    await write(KEYS.reference(fromHex(id)!, 'pin', 'hashed', pattern(32)), text('?'))
    const future = KEYS.reference(fromHex(id)!, 'pin', 'inline', text('x'))
    future[KEYS.references(fromHex(id)!).byteLength] = 9
    await write(future, text('?'))
    for (const each of [id, popular]) await replaceBlock(each, 0, flipped)
    const { damaged, problems } = await store.scrub()
    const of = (each: string) => damaged.list.find((stream) => stream.id === each)!
    expect(of(id).references.map(({ owner, reference }) => [owner, new TextDecoder().decode(reference)])).toEqual([
      ['alias', 'entry:x'],
      ['alias', `entry:${'a'.repeat(1023)}`],
    ])
    expect(problems.map(({ message }) => message)).toEqual([expect.stringContaining('is of a later version')])
    expect(of(popular).references).toHaveLength(100)
    expect([of(id).moreReferences, of(popular).moreReferences]).toEqual([false, true])
  })

  it('does not check streams that are being stored or were collected', async () => {
    const { backend, store, host } = start()
    await put(store, pattern(9), REF)
    const { id } = await put(store, text('collected'))
    host.advance(2 * HOUR)
    await new StreamStore(backend, { host }).collectGarbage()
    const writer = store.sink(REF).getWriter()
    await writer.write(pattern(100))
    const report = await store.scrub({ repair: true, force: true })
    expect(report).toMatchObject({ checked: { streams: 1 }, damaged: NO_DAMAGE, orphans: NO_ORPHANS, problems: [] })
    await writer.close()
    expect((await inspectStore(backend)).problems).toEqual([])
    expect((await inspectStore(backend)).stored.has(id)).toBe(false)
  })
})

describe('scrub, of a stream that changes in the meantime', () => {
  /** Deletes a block of a stream, and calls `change` once the scrub has missed the block. */
  async function during(change: (id: string, on: ReturnType<typeof start>) => Promise<void>) {
    const on = start()
    const { id } = await put(on.store, pattern(9), REF)
    await put(on.store, text('another'), REF)
    await on.replaceBlock(id, 1, () => undefined)
    const missing = await new StreamStore(on.backend).scrub()
    expect(missing.damaged.streams).toBe(1)
    let done = false
    const { blocks } = on.backend
    const backend: Backend = {
      ...on.backend,
      blocks: {
        ...blocks,
        async get(name, options) {
          const bytes = await blocks.get(name, options)
          if (!bytes && !done) {
            done = true
            await change(id, on)
          }
          return bytes
        },
      },
    }
    const report = await on.open(backend).scrub({ repair: true })
    expect(done).toBe(true)
    return { report, id, ...on }
  }

  it('does not report a collected stream as damaged', async () => {
    const { report } = await during(async (id, { backend, host, store }) => {
      await store.transaction((tx) => tx.unmarkAsUsed(id, text('r')))
      await new StreamStore(backend, { host }).collectGarbage({ graceMs: 0 })
    })
    expect(report).toMatchObject({ checked: { streams: 1 }, damaged: NO_DAMAGE, problems: [] })
  })

  it('checks the new pages of a stream that was healed', async () => {
    const heal = async (bytes: Uint8Array<ArrayBuffer>, id: string, { backend, store }: ReturnType<typeof start>) => {
      // Other content of the same length provides the objects. Then the stream names its pages.
      const { id: other } = await put(store, bytes)
      await movePages(backend, id, pattern(16))
      const { entries } = parsePage((await backend.metadata.get(KEYS.page(fromHex(other)!, 0)))!.value)
      const key = KEYS.page(pattern(16), 0)
      await backend.metadata.commit([], [{ key, value: formatPage({ byteOffset: 0, entries }) }])
    }
    const wrong = await during((id, on) => heal(text('not whole'), id, on))
    expect(wrong.report).toMatchObject({
      damaged: { streams: 1, blocks: 0, marked: 1 },
      checked: { streams: 2 },
    })
    expect(wrong.report.damaged.list[0]!.error.message).toContain('do not match its digest')
    const right = await during(async (id, on) => {
      await movePages(on.backend, id, pattern(16))
      const { entries } = parsePage(await on.read(KEYS.page(pattern(16), 0)))
      await on.backend.blocks.put(KEYS.object(entries[1]!.object), pattern(9).slice(4, 8))
    })
    expect(right.report).toMatchObject({ checked: { streams: 2 }, damaged: NO_DAMAGE, problems: [] })
  })

  it('marks a stream whose row changes in another way', async () => {
    let changes = 0
    const { report, id, read } = await during(async (each, { backend }) => {
      const { commit } = backend.metadata
      // Another writer commits first, twice.
      backend.metadata.commit = async (checks, mutations, options) => {
        const key = KEYS.stream(fromHex(each)!)
        if (checks.some((check) => toHex(check.key) === toHex(key)) && changes++ < 2) {
          const { value } = (await backend.metadata.get(key))!
          await commit([], [{ key, value }])
        }
        return commit(checks, mutations, options)
      }
    })
    expect(changes).toBeGreaterThan(2)
    expect(report.damaged).toMatchObject({ streams: 1, marked: 1 })
    expect(parseStream(await read(KEYS.stream(fromHex(id)!))).damaged).toBe(true)
  })
})

describe('scrub, of objects that no row names', () => {
  it('finds them, moves them to the trash in a repair, and leaves their deletion to a collection', async () => {
    const { backend, store, host, addOrphans } = start()
    await put(store, pattern(30), REF)
    await addOrphans()
    const orphans = { count: 3, bytes: 9, names: ORPHANS.map((id) => `o.${id}`), uncertain: false }
    const found = await look(backend, store)
    expect(found).toMatchObject({ objects: { count: 11, bytes: 39 }, orphans, moved: NOTHING_MOVED, problems: [] })
    const expected = await look(backend, store, { repair: true, dryRun: true, graceMs: 2 * HOUR })
    expect(expected).toMatchObject({ orphans, moved: { count: 3, bytes: 9, until: new Date(host.now() + 2 * HOUR) } })
    expect(await store.scrub({ repair: true, graceMs: 2 * HOUR })).toEqual(expected)
    // Now a row names them, and they still exist.
    expect(await look(backend, store, { repair: true })).toMatchObject({ orphans: NO_ORPHANS, moved: NOTHING_MOVED })
    expect(await inspectStore(backend)).toMatchObject({ objects: 11, problems: [], counts: { t: 1 } })
    const collector = new StreamStore(backend, { host })
    expect(await collector.collectGarbage()).toMatchObject({ waiting: { objects: 3, bytes: 9 } })
    host.advance(HOUR)
    expect((await collector.collectGarbage()).freed).toEqual({ streams: 0, objects: 3, bytes: 9 })
    const after = await inspectStore(backend)
    expect(after).toMatchObject({ objects: 8, problems: [] })
    expect(after.counts['t']).toBeUndefined()
    expect((await look(backend, store)).damaged).toEqual(NO_DAMAGE)
  })

  it('finds objects that are empty, large, or cannot be read because their put did not finish', async () => {
    const { backend, host, open } = start()
    const sizes = [0, 5_000_000_000, 7]
    const names = ORPHANS.map((id) => `o.${id}`)
    const deleted: string[] = []
    const listing: Backend = {
      ...backend,
      blocks: {
        ...backend.blocks,
        list: ({ after = '' }) =>
          Promise.resolve(names.map((name, i) => ({ name, size: sizes[i]! })).filter(({ name }) => name > after)),
        async delete(name) {
          deleted.push(name)
        },
      },
    }
    expect(await open(listing).scrub({ repair: true })).toMatchObject({ moved: { count: 3, bytes: 5_000_000_007 } })
    await new StreamStore(listing, { host }).collectGarbage({ graceMs: 0 })
    expect(deleted).toEqual(names)
  })

  it('leaves the objects of other stores alone, and reports names that it does not know', async () => {
    const { backend, store, addOrphans } = start()
    const other = new StreamStore(backend, { name: 'other', blockSize: 1 })
    await put(other, pattern(9), REF)
    await backend.blocks.put(`oother.${ORPHANS[0]}`, pattern(1))
    const strange = [`o.${ORPHANS[0]!.slice(2)}`, `o.${'AB'.repeat(16)}`, 'o.x-1']
    for (const name of strange) await backend.blocks.put(name, pattern(1))
    await addOrphans()
    const report = await store.scrub({ repair: true, force: true })
    expect(report).toMatchObject({ objects: { count: 3 }, orphans: { count: 3 }, moved: { count: 3 } })
    expect(report.problems.map(({ message }) => message.split(' ')[2])).toEqual(strange.toSorted())
    await store.collectGarbage({ graceMs: 0 })
    expect((await backend.blocks.list({ prefix: 'o', limit: 100 })).map(({ name }) => name)).toEqual([
      ...strange.toSorted(),
      ...(await backend.blocks.list({ prefix: 'oother.', limit: 100 })).map(({ name }) => name),
    ])
    expect(await other.scrub()).toMatchObject({
      objects: { count: 10 },
      orphans: { count: 1 },
      checked: { streams: 1 },
    })
  })

  it('does not report an object that was deleted after it was listed', async () => {
    const { backend, open, addOrphans } = start()
    await addOrphans()
    let lists = 0
    const deleting: Backend = {
      ...backend,
      metadata: {
        ...backend.metadata,
        async list(options) {
          if (lists++ === 0) await backend.blocks.delete(`o.${ORPHANS[1]}`)
          return backend.metadata.list(options)
        },
      },
    }
    expect(await open(deleting).scrub({ repair: true })).toMatchObject({
      objects: { count: 3 },
      orphans: { count: 2, names: [`o.${ORPHANS[0]}`, `o.${ORPHANS[2]}`] },
      moved: { count: 2 },
    })
  })

  it('holds one batch of names at a time, however lists are split', async () => {
    const { backend, store, open, addOrphans } = start({ blockSize: 1, scrubObjects: 7 })
    await put(store, pattern(40), REF)
    await put(store, text('dead'))
    await addOrphans()
    const lists: string[] = []
    const paged: Backend = {
      ...backend,
      metadata: {
        ...backend.metadata,
        list(options) {
          lists.push('rows')
          return backend.metadata.list({ ...options, limit: Math.min(options.limit, 2) })
        },
      },
      blocks: {
        ...backend.blocks,
        async list(options) {
          const found = await backend.blocks.list({ ...options, limit: Math.min(options.limit, 3) })
          lists.push(...found.map(() => 'object'))
          return found
        },
      },
    }
    const expected = await look(backend, open())
    expect(expected).toMatchObject({ objects: { count: 47 }, orphans: { count: 3 } })
    expect(await look(backend, open(paged))).toEqual(expected)
    const longest = Math.max(
      ...lists
        .join()
        .split('rows')
        .map((some) => some.split('object').length - 1),
    )
    // One batch, the rest of its last list, and the objects that are listed again to see which remain.
    expect(longest).toBeLessThanOrEqual(2 * (7 + 2))
    lists.length = 0
    expect((await open(paged).scrub({ repair: true })).moved.count).toBe(3)
    expect((await inspectStore(backend)).problems).toEqual([])
  })
})

describe('scrub, as a repair', () => {
  /** Makes a store in which no row names `orphans` of the `objects`. An upload has intents of the others. */
  async function withOrphans(orphans: number, objects: number) {
    const on = start()
    const ids = Array.from({ length: objects }, (_, i) => i.toString(16).padStart(32, '0'))
    await on.addOrphans(ids)
    const value = formatStreamId(pattern(16))
    const intents = ids.slice(orphans).map((id) => ({ key: KEYS.intent(fromHex(id)!), value }))
    await on.backend.metadata.commit([], intents)
    return on
  }

  it('is refused above 100 objects and 5 % of all, and changes nothing unless forced', async () => {
    const { backend, store, host } = await withOrphans(101, 2019)
    const refusal = {
      name: 'RepairRefusedError',
      objects: 2019,
      orphans: 101,
      message:
        'no row names 101 of 2019 objects (5.0 %), so the rows may be those of an older backup: nothing was changed',
    }
    const before = await dump(backend)
    for (const options of [{ repair: true }, { repair: true, dryRun: true }]) {
      await expect(store.scrub(options)).rejects.toMatchObject(refusal)
    }
    expect(await dump(backend)).toEqual(before)
    expect((await look(backend, store)).orphans.count).toBe(101)
    const expected = await look(backend, store, { repair: true, dryRun: true, force: true })
    expect(expected.moved).toEqual({ count: 101, bytes: 303, until: new Date(host.now() + HOUR) })
    expect(await store.scrub({ repair: true, force: true })).toEqual(expected)
  })

  it.each([
    ['100 objects, whatever their share', 100, 100],
    ['5 % of all objects, however many', 101, 2020],
  ])('is not refused for %s', async (_, orphans, objects) => {
    const { store } = await withOrphans(orphans, objects)
    expect(await store.scrub({ repair: true })).toMatchObject({
      objects: { count: objects },
      moved: { count: orphans },
    })
  })

  it('moves no object while a row that may name it cannot be read, unless forced', async () => {
    for (const kind of ['m', 't'] as const) {
      const { backend, store, change, addOrphans, host } = start()
      const { id } = await put(store, pattern(30), REF)
      if (kind === 't') {
        await store.transaction((tx) => tx.unmarkAsUsed(id, text('r')))
        await new StreamStore(backend, { host }).collectGarbage()
      }
      await addOrphans()
      const key = kind === 'm' ? KEYS.page(fromHex(id)!, 0) : KEYS.trash(fromHex(id)!, 0)
      await change(key, (value) => value.slice(0, -1))
      const damaged = await look(backend, store, { repair: true, dryRun: true })
      expect(damaged).toMatchObject({ orphans: { count: 11, uncertain: true }, moved: NOTHING_MOVED })
      expect(damaged.problems).toMatchObject([{ name: 'IntegrityError' }])
      expect((await store.scrub({ repair: true })).moved).toEqual(NOTHING_MOVED)
      expect((await store.scrub({ repair: true, force: true })).moved.count).toBe(11)
    }
  })

  it('moves no object while a later version may name it, even if forced', async () => {
    const later = (value: Uint8Array): Uint8Array => value.map((byte, i) => (i === 0 ? 9 : byte))
    for (const kind of ['s', 'm', 't'] as const) {
      const { backend, store, change, addOrphans, host } = start()
      const { id } = await put(store, pattern(30), REF)
      const rest = await put(store, text('trash'), { reference: text('t') })
      await store.transaction((tx) => tx.unmarkAsUsed(rest.id, text('t')))
      await new StreamStore(backend, { host }).collectGarbage()
      await addOrphans()
      const bytes = fromHex(id)!
      const key = { s: KEYS.stream(bytes), m: KEYS.page(bytes, 0), t: KEYS.trash(fromHex(rest.id)!, 0) }[kind]
      await change(key, later)
      const report = await look(backend, store, { repair: true, force: true })
      expect(report).toMatchObject({ orphans: { uncertain: true }, moved: NOTHING_MOVED, damaged: NO_DAMAGE })
      expect(report.problems.map(({ name }) => name)).toContain('FormatError')
      expect(report.problems.map(({ message }) => message).join()).toContain('later version')
    }
  })

  it('moves no object if a row of a later version appears while it checks again', async () => {
    const { backend, store, open, change, addOrphans } = start()
    const { id } = await put(store, pattern(30), REF)
    await addOrphans()
    let starts = 0
    const upgraded: Backend = {
      ...backend,
      blocks: {
        ...backend.blocks,
        async list(options) {
          // Lists start at the beginning three times: to count, to see which remain, and to move.
          if (options.after === undefined && ++starts === 3)
            await change(KEYS.page(fromHex(id)!, 0), (value) => value.map((byte, i) => (i === 0 ? 9 : byte)))
          return backend.blocks.list(options)
        },
      },
    }
    const report = await open(upgraded).scrub({ repair: true, force: true })
    expect(starts).toBeGreaterThanOrEqual(3)
    expect(report).toMatchObject({ orphans: { count: 3, uncertain: true }, moved: NOTHING_MOVED })
  })

  it('respects an intent that cannot be read, because its key names the object', async () => {
    const { backend, store, write } = start()
    await put(store, pattern(30), REF)
    await backend.blocks.put(`o.${ORPHANS[0]}`, pattern(3))
    await write(KEYS.intent(fromHex(ORPHANS[0]!)!), text('?'))
    expect(await look(backend, store, { repair: true, force: true })).toMatchObject({ orphans: NO_ORPHANS })
    await write(KEYS.intent(fromHex(ORPHANS[0]!)!), formatStreamId(pattern(16)))
    expect(await look(backend, store, { repair: true, force: true })).toMatchObject({ orphans: NO_ORPHANS })
  })
})

describe('scrub, if it is called incorrectly', () => {
  it('refuses invalid options and a closed store', async () => {
    const { store } = start()
    await expect(store.scrub({ graceMs: -1 })).rejects.toThrow(RangeError)
    await expect(store.scrub({ graceMs: 1.5 })).rejects.toThrow(TypeError)
    await expect(store.scrub({ onProgress: 1 as never })).rejects.toThrow('onProgress must be a function')
    await expect(store.scrub({ signal: AbortSignal.abort('no') })).rejects.toBe('no')
    await store.close()
    await expect(store.scrub()).rejects.toThrow('the store is closed')
  })

  it('refuses a store of a later version', async () => {
    const { backend, store, write, addOrphans } = start()
    await write(KEYS.version(), new Uint8Array([2, 0, 0, 0, 0]))
    await addOrphans()
    await expect(store.scrub({ repair: true })).rejects.toMatchObject({ name: 'FormatError', reason: 'unsupported' })
    expect((await inspectStore(backend)).counts).toEqual({ v: 1 })
  })
})
