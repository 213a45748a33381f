import { describe, expect, it, vi } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { collect } from '../../src/bytes/collect.ts'
import { BackendError, QuotaExceededError } from '../../src/errors.ts'
import type { Entry } from '../../src/hive/hive.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { createHiveHandler, HttpHive } from '../../src/http.ts'
import { SignatureStream } from '../../src/rsync/signature-stream.ts'
import type { Backend } from '../../src/store.ts'
import { RowKeys } from '../../src/store/rows/row-keys.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { inspectStore } from '../support/inspect-store.ts'
import { stopClock } from '../support/stop-clock.ts'
import { text, watched } from '../support/store-tools.ts'
import { randomBytes, rejection, soon } from '../support/streams.ts'

const BLOCK = 1_000
const BYTES = randomBytes(50 * BLOCK)
/** A signature of 50,000 bytes has a header of 12 bytes, then 36 bytes for each 256 bytes. */
const HEADER_BYTES = 12
const recordsOf = (byteLength: number): number => Math.floor(byteLength / 256) * 36

const expected = (): Promise<Uint8Array> =>
  collect(
    bytesSource(BYTES)
      .stream()
      .pipeThrough(new SignatureStream({ sourceLength: BYTES.byteLength })),
  )

/** A source whose blocks are read one by one, as the test allows. */
class SlowBlocks {
  /** Number of reads that have started. */
  count = 0
  /** The signal of the latest read. */
  signal: AbortSignal | undefined
  #allowed = 0
  #blocked: (() => void)[] = []
  #onRead: (() => void)[] = []

  async read(signal: AbortSignal | undefined): Promise<void> {
    const number = this.count++
    this.signal = signal
    for (const resolve of this.#onRead.splice(0)) resolve()
    while (number >= this.#allowed) await new Promise<void>((resolve) => this.#blocked.push(resolve))
  }

  /** Lets the first `count` reads proceed. */
  allow(count: number): void {
    this.#allowed = count
    for (const resolve of this.#blocked.splice(0)) resolve()
  }

  /** Resolves when this many reads have started. */
  async begun(count: number): Promise<void> {
    while (this.count < count) await new Promise<void>((resolve) => this.#onRead.push(resolve))
  }
}

async function start(wrap: (backend: Backend) => Backend = (backend) => backend) {
  const memory = memoryBackend()
  const slow = new SlowBlocks()
  let isSlow = false
  const open = (backend: Backend): LocalHive =>
    new LocalHive(
      new StreamStore(watched(backend, { read: (_name, signal) => (isSlow ? slow.read(signal) : undefined) }), {
        blockSize: BLOCK,
        inMemoryThreshold: 0,
      }),
    )
  await put(open(memory), 'x', BYTES)
  isSlow = true
  const hive = open(wrap(memory))
  return { memory, hive, slow, entry: await hive.open('x', { consistency: 'snapshot' }) }
}

async function put(hive: LocalHive, alias: string, bytes: Uint8Array<ArrayBuffer>): Promise<Entry> {
  const sink = hive.sink(alias)
  await bytesSource(bytes).stream().pipeTo(sink)
  return sink.entry
}

/** Reads until this many bytes have arrived. */
async function take(reader: ReadableStreamDefaultReader<Uint8Array>, byteLength: number): Promise<number> {
  let taken = 0
  while (taken < byteLength) taken += (await soon(reader.read(), `byte ${taken}`)).value!.byteLength
  return taken
}

describe('the signature of an entry that is read slowly', () => {
  it('is delivered as it is computed, to each reader', async () => {
    const { entry, slow } = await start()
    const first = entry.signature().getReader()
    const second = entry.signature().getReader()
    let taken = 0
    for (const blocks of [1, 2, 10]) {
      slow.allow(blocks)
      const added = HEADER_BYTES + recordsOf(blocks * BLOCK) - taken
      for (const reader of [first, second]) expect(await take(reader, added)).toBe(added)
      taken += added
      await slow.begun(blocks + 1)
      expect(slow.count).toBe(blocks + 1)
    }
    const late = collect(entry.signature())
    slow.allow(50)
    expect(await soon(late, 'the signature')).toEqual(await expected())
    expect(slow.count).toBe(50)
  })

  it('arrives over HTTP, even if it takes many times the stall timeout', async () => {
    const stallTimeoutMs = 1_000
    const memory = memoryBackend()
    let slow = false
    const read = (): void => {
      if (slow) vi.advanceTimersByTime(stallTimeoutMs - 1)
    }
    const store = new StreamStore(watched(memory, { read }), { blockSize: BLOCK, inMemoryThreshold: 0 })
    const local = new LocalHive(store)
    await put(local, 'x', BYTES)
    const handler = createHiveHandler(local)
    const hive = new HttpHive('http://hive.test/', {
      fetch: (url, init) => handler(new Request(url, init)),
      stallTimeoutMs,
      retries: 0,
    })
    const entry = await hive.open('x')
    stopClock()
    slow = true
    expect(await collect(entry.signature())).toEqual(await expected())
  })

  for (const [how, leave] of [
    ['cancels', ({ reader }) => reader.cancel('enough')],
    ['closes the entry', ({ entry }) => entry.close()],
    ['aborts', async ({ abort }) => abort.abort('enough')],
  ] as [string, (first: { reader: ReadableStreamDefaultReader; entry: Entry; abort: AbortController }) => unknown][]) {
    it(`continues for the others when the first reader ${how}`, async () => {
      const { entry, slow, hive } = await start()
      const other = await hive.open('x')
      const abort = new AbortController()
      const reader = entry.signature({ signal: abort.signal }).getReader()
      reader.closed.catch(() => undefined)
      slow.allow(3)
      await take(reader, HEADER_BYTES + recordsOf(3 * BLOCK))
      const second = collect(other.signature())
      await slow.begun(4)
      await leave({ reader, entry, abort })
      expect(slow.signal!.aborted).toBe(false)
      slow.allow(50)
      expect(await soon(second, 'the signature')).toEqual(await expected())
      expect(slow.count).toBe(50)
    })
  }

  it('stops when the last reader has left, and starts again for the next', async () => {
    const { entry, slow } = await start()
    const readers = [entry.signature().getReader(), entry.signature().getReader()]
    slow.allow(3)
    for (const reader of readers) await take(reader, HEADER_BYTES + recordsOf(3 * BLOCK))
    await slow.begun(4)
    await readers[0]!.cancel()
    expect(slow.signal!.aborted).toBe(false)
    await readers[1]!.cancel()
    expect(slow.signal!.aborted).toBe(true)
    slow.allow(100)
    expect(await soon(collect(entry.signature()), 'the signature')).toEqual(await expected())
  })

  it('fails like a read once the entry is updated, but continues for the reader of a snapshot', async () => {
    const { entry, slow, hive } = await start()
    const strict = (await hive.open('x')).signature().getReader()
    const snapshot = collect(entry.signature())
    slow.allow(3)
    await take(strict, HEADER_BYTES + recordsOf(3 * BLOCK))
    const { etag } = await put(hive, 'x', randomBytes(10))
    slow.allow(4)
    expect(await rejection(take(strict, 1))).toMatchObject({ name: 'ConflictError', actualEtag: etag })
    slow.allow(50)
    expect(await soon(snapshot, 'the signature')).toEqual(await expected())
    expect((await hive.stat('x')).etag).toBe(etag)
  })
})

describe('a signature that cannot be kept', () => {
  for (const failure of [
    new QuotaExceededError('the disk is full'),
    new BackendError('the hive is read-only', { retryable: false }),
    new BackendError('the outcome is unknown', { retryable: false, outcome: 'unknown' }),
  ]) {
    for (const where of ['put', 'commit'] as const) {
      it(`because of ${failure.name} (${failure.message}) at ${where} is delivered anyway`, async () => {
        let failures = 0
        const fail = (): never => {
          failures++
          throw failure
        }
        const { hive, slow, memory } = await start((backend) => watched(backend, { [where]: fail }))
        slow.allow(1_000)
        const entry = await hive.open('x')
        expect(await soon(collect(entry.signature()), 'the signature')).toEqual(await expected())
        expect(failures).toBeGreaterThan(0)
        const handler = createHiveHandler(hive)
        const response = await handler(new Request('http://hive.test/x?signature'))
        expect(response.status).toBe(200)
        expect(new Uint8Array(await response.arrayBuffer())).toEqual(await expected())
        expect((await inspectStore(memory)).stored.size).toBe(1)
      })
    }
  }
})

describe('a signature that was kept', () => {
  const keys = new RowKeys('')

  async function kept() {
    const started = await start()
    started.slow.allow(10_000)
    const signature = await collect(started.entry.signature())
    expect(started.slow.count).toBe(50)
    const row = (await started.memory.metadata.get(keys.alias(text('x'))))!.value
    const id = row.slice(66, 82)
    const write = async (key: Uint8Array, value: Uint8Array | undefined): Promise<void> => {
      await started.memory.metadata.commit([], [{ key, value }])
    }
    const page = async (): Promise<Uint8Array> => (await started.memory.metadata.get(keys.page(id, 0)))!.value
    const loseBlock = async (index: number): Promise<void> => {
      const offset = 12 + 33 * index
      await started.memory.blocks.delete(keys.object((await page()).slice(offset, offset + 16)))
    }
    return { ...started, signature, id, write, loseBlock }
  }

  it('is not computed again', async () => {
    const { hive, slow, signature } = await kept()
    expect(await collect((await hive.open('x')).signature())).toEqual(signature)
    expect(slow.count).toBe(50 + Math.ceil(signature.byteLength / BLOCK))
  })

  const DAMAGE: Record<string, (hive: Awaited<ReturnType<typeof kept>>) => Promise<void>> = {
    'its stream is lost': ({ write, id }) => write(keys.stream(id), undefined),
    'the row of its stream is damaged': ({ write, id }) => write(keys.stream(id), Uint8Array.of(1, 2)),
    'its page is lost': ({ write, id }) => write(keys.page(id, 0), undefined),
    'its first block is lost': ({ loseBlock }) => loseBlock(0),
    'its third block is lost': ({ loseBlock }) => loseBlock(2),
    'its last block is lost': ({ loseBlock, signature }) => loseBlock(Math.ceil(signature.byteLength / BLOCK) - 1),
  }
  for (const [what, damage] of Object.entries(DAMAGE)) {
    it(`is computed again when ${what}`, async () => {
      const started = await kept()
      await damage(started)
      const { hive, memory, signature } = started
      for (let i = 0; i < 2; i++) {
        expect(await soon(collect((await hive.open('x')).signature()), 'the signature')).toEqual(signature)
      }
      await hive.remove('x')
      expect(await memory.metadata.list({ prefix: text('/r/'), limit: 10 })).toEqual([])
    })
  }
})
