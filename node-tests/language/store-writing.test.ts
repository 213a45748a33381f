import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { fromHex, toHex } from '../../src/bytes/byte-text.ts'
import { collect } from '../../src/bytes/collect.ts'
import { nextTask } from '../../src/bytes/promises.ts'
import { BackendError } from '../../src/errors.ts'
import { type Backend, StreamStore } from '../../src/store.ts'
import { createDigest, loadChecksum } from '../../src/store/checksums.ts'
import { type BlockEntry, parseStream, type StreamRecord } from '../../src/store/rows/row-values.ts'
import { RowKeys } from '../../src/store/rows/row-keys.ts'
import type { StoreContext } from '../../src/store/store-context.ts'
import { RowBuffer } from '../../src/store/transactions/row-buffer.ts'
import { BlockCutter, type CutBlock } from '../../src/store/writing/block-cutter.ts'
import { FencedRow } from '../../src/store/writing/fenced-row.ts'
import { loadEncoder } from '../../src/store/codecs/block-codecs.ts'
import { createSha256 } from '../../src/bytes/sha256.ts'
import { ReadAheadBudget } from '../../src/store/reading/read-ahead-budget.ts'
import { ObjectNames } from '../../src/store/writing/object-names.ts'
import { StreamWriter } from '../../src/store/writing/stream-writer.ts'
import { VersionRow } from '../../src/store/version-row.ts'
import { StreamCache } from '../../src/store/reading/stream-cache.ts'
import { StreamIds } from '../../src/store/writing/stream-ids.ts'
import { type Fault, faulty } from '../support/faulty-backend.ts'
import { inspectStore } from '../support/inspect-store.ts'
import { pattern } from '../support/store-tools.ts'
import { VirtualHost } from '../support/virtual-host.ts'

const ID = pattern(16)
const OTHER_EPOCH = new Uint8Array(8).fill(9)
const host = new VirtualHost()

function makeContext(backend: Backend, blockSize = 1): StoreContext {
  const keys = new RowKeys('')
  return {
    backend,
    keys,
    streamIds: new StreamIds(host, false),
    cache: new StreamCache({ limit: 0, largest: 0, createHash: () => createDigest(backend) }),
    versionRow: new VersionRow({ backend, keys, host }),
    blockSize,
    inMemoryThreshold: 4,
    readAhead: new ReadAheadBudget(4),
    leaseMs: 1000,
    codec: 0,
    temperature: undefined,
    writeBackoff: () => undefined,
    host,
    ready: () => Promise.resolve(),
    readyToWrite: () => Promise.resolve(),
    track: () => undefined,
  }
}

async function makeCutter(blockSize: number): Promise<BlockCutter> {
  const [checksum, encode, digest] = await Promise.all([loadChecksum(), loadEncoder(0), createSha256()])
  return new BlockCutter({ blockSize, checksum, encode, digest })
}

const STORING: StreamRecord = {
  status: { kind: 'storing' },
  epoch: new Uint8Array(8).fill(1),
  createdAt: 1,
  leaseUntil: 2,
  size: 0,
  blockCount: 0,
  blockSize: 1,
  codec: 0,
  digest: undefined,
  extensions: new Uint8Array(0),
}
const STORED: StreamRecord = { ...STORING, status: { kind: 'stored' }, digest: new Uint8Array(32) }
const DUPLICATE: StreamRecord = { ...STORING, status: { kind: 'deleting', reason: 'duplicate', survivor: ID } }

/** Creates a fenced row on a backend whose commits have these `faults`, in order. */
async function makeRow(
  faults: (Fault | undefined)[],
): Promise<{ row: FencedRow; memory: Backend; arrive(): Promise<void> }> {
  const memory = memoryBackend()
  const backend = faulty(memory, ({ operation }) => (operation === 'commit' ? faults.shift() : undefined), host)
  const row = new FencedRow(makeContext(backend), ID, STORING)
  const now = faults.splice(0)
  expect((await row.commit({ record: STORING })).kind).toBe('applied')
  faults.push(...now)
  return { row, memory, arrive: () => backend.arrive() }
}

async function recordIn({ metadata }: Backend, row: FencedRow): Promise<StreamRecord | undefined> {
  const found = await metadata.get(row.key)
  return found && parseStream(found.value)
}

/** Changes the row like another writer. */
async function interfere(
  { metadata }: Backend,
  row: FencedRow,
  change: Partial<StreamRecord> | undefined,
): Promise<void> {
  const theirs = new FencedRow(
    makeContext({ ...memoryBackend(), metadata }),
    row.id,
    (await recordIn({ metadata } as Backend, row))!,
    { version: (await metadata.get(row.key))!.version },
  )
  if (change) await theirs.commit({ record: { ...theirs.record, ...change } })
  else await metadata.commit([], [{ key: row.key, value: undefined }])
}

const more = { key: Uint8Array.of(1), value: Uint8Array.of(2) }

describe('FencedRow', () => {
  it('applies a change once, even if its answer is lost or it is refused for a while', async () => {
    for (const faults of [
      [],
      ['busy', 'busy'],
      ['lost'],
      ['busy', 'lost'],
      ['late', 'lost'],
      ['late', undefined],
    ] as const) {
      const { row, memory, arrive } = await makeRow([...faults])
      const record = { ...STORING, leaseUntil: 5 }
      expect(await row.commit({ record, mutations: [more] })).toEqual({ kind: 'applied', record })
      await arrive()
      expect(await recordIn(memory, row)).toEqual(record)
      expect((await memory.metadata.get(row.key))!.version).toBe(row.version)
      expect((await memory.metadata.get(more.key))!.version).toBe(row.version)
    }
  })

  it('is lost when another process has changed or removed the row, whatever else failed', async () => {
    for (const faults of [[], ['busy'], ['late'], ['late', 'busy']] as const) {
      for (const change of [{ status: { kind: 'condemned', former: 'storing' } }, { epoch: OTHER_EPOCH }] as const) {
        const { row, memory, arrive } = await makeRow([...faults])
        await interfere(memory, row, change)
        expect((await row.commit({ record: { ...STORING, leaseUntil: 5 } })).kind).toBe('lost')
        await arrive()
        expect(await recordIn(memory, row)).toMatchObject(change)
      }
    }
    const { row, memory } = await makeRow([])
    await interfere(memory, row, undefined)
    expect((await row.commit({ record: STORED })).kind).toBe('lost')
  })

  it('does not mistake another writer’s change for its own', async () => {
    const { row, memory, arrive } = await makeRow(['late'])
    await interfere(memory, row, { ...STORED, epoch: OTHER_EPOCH })
    expect((await row.commit({ record: STORED })).kind).toBe('lost')
    await arrive()
    expect(await recordIn(memory, row)).toEqual({ ...STORED, epoch: OTHER_EPOCH })
  })

  it('reports a conflict on another row, and can try again afterwards', async () => {
    const { row, memory } = await makeRow([])
    const checks = [{ key: more.key, version: '77' }]
    expect(await row.commit({ record: STORED, checks })).toEqual({ kind: 'conflict' })
    expect(await recordIn(memory, row)).toEqual(STORING)
    expect(await row.commit({ record: STORED })).toEqual({ kind: 'applied', record: STORED })
  })

  it('finds out which of several changes was applied', async () => {
    const { row, arrive } = await makeRow(['late', 'late', 'late', 'late', 'late'])
    expect((await row.commit({ record: DUPLICATE })).kind).toBe('unknown')
    await arrive()
    expect(await row.commit({ record: STORED })).toEqual({ kind: 'applied', record: DUPLICATE })
    expect(row.record).toEqual(DUPLICATE)
  })

  it('recognizes its own change even if the stream has been condemned since', async () => {
    const memory = memoryBackend()
    const rows: FencedRow[] = []
    const metadata = {
      ...memory.metadata,
      async commit(...call: Parameters<Backend['metadata']['commit']>) {
        const version = await memory.metadata.commit(...call)
        const [row] = rows
        if (!row) return version
        await interfere(memory, row, { status: { kind: 'condemned', former: 'stored' } })
        throw new BackendError('the answer is lost', { retryable: true, outcome: 'unknown' })
      },
    }
    const row = new FencedRow(makeContext({ ...memory, metadata }), ID, STORING)
    await row.commit({ record: STORING })
    rows.push(row)
    expect(await row.commit({ record: STORED })).toEqual({ kind: 'applied', record: STORED })
    expect((await memory.metadata.get(row.key))!.version).toBe(row.version)
  })

  it('reports an unknown outcome when the row is gone, or is unchanged but the change may still arrive', async () => {
    const { row, memory, arrive } = await makeRow(['late', 'late', 'late', 'late', 'late'])
    expect(await row.commit({ record: STORED })).toMatchObject({ kind: 'unknown', gone: false })
    expect(await row.isAsKnown()).toBe(false)
    await arrive()
    expect(await row.giveUp(undefined)).toEqual({ kind: 'applied', record: STORED })
    expect(await recordIn(memory, row)).toEqual(STORED)

    const gone = await makeRow(['late', 'late', 'late', 'late', 'late'])
    expect((await gone.row.commit({ record: STORED })).kind).toBe('unknown')
    await interfere(gone.memory, gone.row, undefined)
    expect(await gone.row.commit({ record: STORED })).toMatchObject({ kind: 'unknown', gone: true })
    expect(await gone.row.giveUp(undefined)).toMatchObject({ kind: 'unknown', gone: true })
  })

  it('rules out late changes by giving up, but not a stream that another writer took over', async () => {
    const { row, memory, arrive } = await makeRow(['late', 'late', 'late', 'late', 'late'])
    expect((await row.commit({ record: STORED })).kind).toBe('unknown')
    expect((await row.giveUp(undefined)).kind).toBe('lost')
    await arrive()
    expect(await recordIn(memory, row)).toMatchObject({ status: { kind: 'deleting', reason: 'aborted' } })

    const taken = await makeRow([])
    await interfere(taken.memory, taken.row, { epoch: OTHER_EPOCH })
    expect((await taken.row.giveUp(undefined)).kind).toBe('lost')
    expect(await recordIn(taken.memory, taken.row)).toMatchObject({ status: { kind: 'storing' }, epoch: OTHER_EPOCH })
  })

  it('never sends a creation twice', async () => {
    for (const fault of ['late', 'busy', 'lost'] as const) {
      const memory = memoryBackend()
      let commits = 0
      const backend = faulty(memory, () => (commits++ === 0 ? fault : undefined), host)
      const row = new FencedRow(makeContext(backend), ID, STORING)
      const [result] = await Promise.allSettled([row.commit({ record: STORING })])
      if (fault === 'busy') expect(result).toMatchObject({ status: 'rejected', reason: { retryable: true } })
      else expect(result).toMatchObject({ value: { kind: fault === 'late' ? 'unknown' : 'applied' } })
      expect(backend.steps.filter(({ operation }) => operation === 'commit')).toHaveLength(1)
    }
  })
})

describe('BlockCutter', () => {
  it('cuts the same blocks for any chunks, and reuses the memory of returned blocks', async () => {
    const checksum = await loadChecksum()
    for (const blockSize of [1, 3, 64 * 1024, 100_000]) {
      const bytes = pattern(2 * blockSize + Math.floor(blockSize / 2))
      for (const chunkSize of [1 + Math.floor(blockSize / 3), blockSize, 2 * blockSize + 1]) {
        const cutter = await makeCutter(blockSize)
        const blocks: string[] = []
        const memory = new Set<ArrayBufferLike>()
        const take = (block: CutBlock | undefined): void => {
          if (!block) return
          expect(block.rawLength).toBe(block.stored.byteLength)
          expect(block.checksum).toEqual(checksum(block.stored))
          blocks.push(toHex(block.stored))
          memory.add(block.stored.buffer)
          cutter.giveBack(block)
        }
        for (let offset = 0; offset < bytes.byteLength; offset += chunkSize) {
          for (let rest = bytes.subarray(offset, offset + chunkSize); rest.byteLength > 0;) {
            const { taken, block } = cutter.push(rest)
            rest = rest.subarray(taken)
            take(block)
          }
        }
        take(cutter.end())
        expect(cutter.end()).toBeUndefined()
        const expected: string[] = []
        for (let offset = 0; offset < bytes.byteLength; offset += blockSize) {
          expected.push(toHex(bytes.subarray(offset, offset + blockSize)))
        }
        expect(blocks).toEqual(expected)
        expect(memory.size).toBeLessThanOrEqual(2)
      }
    }
  })
})

describe('ObjectNames', () => {
  it('hands out names in order, also to waiting puts, and knows which have an intent', async () => {
    const names = new ObjectNames(makeContext(memoryBackend()))
    const waiting = [names.take(), names.take()]
    expect(names.available).toBe(-2)
    const { names: made, mutations } = names.make(ID, 3)
    expect(mutations).toHaveLength(3)
    expect(made.every((name) => name[0] === ID[0])).toBe(true)
    expect(new Set(made.map(toHex)).size).toBe(3)
    names.reserve(made)
    expect(await Promise.all(waiting)).toEqual(made.slice(0, 2))
    expect(names.available).toBe(1)
    expect(await names.take()).toEqual(made[2])
    names.settle([made[1]!])
    expect(names.intents).toEqual([made[0], made[2]])
  })

  it('rejects waiting puts when there will be no more names', async () => {
    const names = new ObjectNames(makeContext(memoryBackend()))
    const waiting = names.take()
    const reason = new Error('no row')
    names.fail(reason)
    await expect(waiting).rejects.toBe(reason)
    await expect(names.take()).rejects.toBe(reason)
  })
})

describe('StreamWriter', () => {
  const signal = new AbortController().signal

  async function store(writer: StreamWriter, bytes: Uint8Array): Promise<BlockEntry[]> {
    const cutter = await makeCutter(1)
    await writer.ensureNames(bytes.byteLength)
    return Promise.all(Array.from(bytes, (_, i) => writer.put(cutter.push(bytes.subarray(i, i + 1)).block!)))
  }

  it.each([1, 5, 511, 512, 513])('continues a stream of %i blocks that another writer started', async (begun) => {
    const memory = memoryBackend()
    const context = makeContext(memory)
    const bytes = pattern(begun + 7)
    const first = new StreamWriter(context, signal)
    await first.make(0)
    for (let offset = 0; offset < begun; offset += 80) {
      await first.append(await store(first, bytes.subarray(offset, Math.min(begun, offset + 80))), 0)
    }
    const left = await store(first, bytes.subarray(begun))

    const key = context.keys.stream(first.id)
    const row = (await memory.metadata.get(key))!
    const taken = new FencedRow(context, first.id, parseStream(row.value), row)
    expect((await taken.commit({ record: { ...taken.record, epoch: OTHER_EPOCH } })).kind).toBe('applied')
    const second = new StreamWriter(context, signal, taken)

    await expect(first.append(left, 0)).rejects.toMatchObject({ name: 'BackendError', retryable: true })
    const { size } = taken.record
    expect(size).toBe(begun)
    await second.append(await store(second, bytes.subarray(size, size + 3)), 2)
    const entries = await store(second, bytes.subarray(size + 3))
    const hash = await createDigest(memory)
    hash.update(bytes)
    const rows = new RowBuffer(context, signal)
    const record = await second.endAsStored(
      rows,
      { entries, size: bytes.byteLength, content: undefined },
      hash.digest(),
    )
    const changes = await rows.takeChanges()
    expect(await second.commitLast({ record, changes, survivor: second.id, referenceKey: undefined })).toEqual(first.id)

    // The objects that the first writer put but could not append have intents. It owns nothing else of the stream.
    await first.discard()
    expect(await collect((await new StreamStore(memory, { host }).open(toHex(first.id))).stream())).toEqual(bytes)
    expect((await inspectStore(memory)).problems).toEqual([])
  })

  it('starts again under another id if its row is condemned before it learns that the row exists', async () => {
    const memory = memoryBackend()
    let made: FencedRow | undefined
    const metadata = {
      ...memory.metadata,
      async commit(...call: Parameters<Backend['metadata']['commit']>) {
        const version = await memory.metadata.commit(...call)
        if (made || !version) return version
        const { key, value } = call[1][0]!
        made = new FencedRow(makeContext(memory), key.slice(3), parseStream(value!), { version })
        await made.commit({ record: { ...made.record, status: { kind: 'condemned', former: 'storing' } } })
        throw new BackendError('the answer is lost', { retryable: true, outcome: 'unknown' })
      },
    }
    const writer = new StreamWriter(makeContext({ ...memory, metadata }), signal)
    await writer.make(1)
    expect(writer.id).not.toEqual(made!.id)
    expect(parseStream((await memory.metadata.get(new RowKeys('').stream(writer.id)))!.value).status).toEqual({
      kind: 'storing',
    })
  })

  it('reserves names for the next puts in time, and puts wait for their names', async () => {
    const memory = memoryBackend()
    const writer = new StreamWriter(makeContext(memory), signal)
    await writer.make(1)
    const cutter = await makeCutter(1)
    const puts = [1, 2, 3].map((byte) => writer.put(cutter.push(Uint8Array.of(byte)).block!))
    let waiting = true
    void puts[2]!.then(() => (waiting = false))
    for (let i = 0; i < 10; i++) await nextTask()
    expect(waiting).toBe(true)
    await writer.ensureNames(0)
    const entries = await Promise.all(puts)
    expect(new Set(entries.map(({ object }) => toHex(object))).size).toBe(3)
    await writer.discard()
    expect(await inspectStore(memory)).toMatchObject({ counts: {}, objects: 0, problems: [] })
    expect(fromHex(toHex(writer.id))).toHaveLength(16)
  })
})
