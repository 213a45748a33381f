import { memoryBackend } from '../../src/backends/memory.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { fromHex } from '../../src/bytes/byte-text.ts'
import type { Backend, BlockSinkOptions, Mutation, StoredStream, StreamStore } from '../../src/store.ts'
import { createDigest, loadChecksum } from '../../src/store/checksums.ts'
import { formatStream, PAGE_ENTRIES, parseStream, type StreamRecord } from '../../src/store/rows/row-values.ts'
import { RowKeys } from '../../src/store/rows/row-keys.ts'
import { standstill } from './streams.ts'

/** Returns the UTF-8 bytes of a string. */
export function text(value: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(value)
}

/** Returns bytes that differ from their neighbours, and from block to block. */
export function pattern(byteLength: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(byteLength)
  for (let i = 0; i < byteLength; i++) bytes[i] = i * 7 + (i >> 8)
  return bytes
}

/** Stores bytes. */
export async function put(
  store: StreamStore,
  bytes: Uint8Array<ArrayBuffer>,
  options: BlockSinkOptions = {},
): Promise<StoredStream> {
  const sink = store.sink(options)
  // After a failure, `stored` settles only once everything that the sink wrote has been removed.
  await Promise.allSettled([bytesSource(bytes).stream().pipeTo(sink)])
  return sink.stored
}

/** Marks a stream as damaged, as a reader or a check does. */
export async function markAsDamaged({ metadata }: Backend, id: string): Promise<void> {
  const key = new RowKeys('').stream(fromHex(id)!)
  const { value, version } = (await metadata.get(key))!
  await metadata.commit([{ key, version }], [{ key, value: formatStream({ ...parseStream(value), damaged: true }) }])
}

/** Moves the pages of a stream to another page set, which its row then names. Also makes other `changes` to the row. */
export async function movePages(
  { metadata }: Backend,
  id: string,
  pageSet: Uint8Array,
  changes: Partial<StreamRecord> = {},
): Promise<void> {
  const keys = new RowKeys('')
  const key = keys.stream(fromHex(id)!)
  const record = parseStream((await metadata.get(key))!.value)
  const mutations: Mutation[] = [{ key, value: formatStream({ ...record, pageSet, ...changes }) }]
  for (let index = 0; index * PAGE_ENTRIES < record.blockCount; index++) {
    const from = keys.page(record.pageSet ?? fromHex(id)!, index)
    mutations.push({ key: from, value: undefined })
    mutations.push({ key: keys.page(pageSet, index), value: (await metadata.get(from))!.value })
  }
  await metadata.commit([], mutations)
}

/** A gate at which calls wait until it is opened. */
export class Gate {
  /** Number of calls that wait, or have waited. */
  arrived = 0
  #open: () => void = () => undefined
  readonly #opened: Promise<void>

  constructor() {
    this.#opened = new Promise((resolve) => {
      this.#open = resolve
    })
  }

  open(): void {
    this.#open()
  }

  async pass(): Promise<void> {
    this.arrived++
    await this.#opened
  }
}

/** Functions that are called before the calls of a backend. */
export interface Spy {
  get?(key: Uint8Array): unknown
  commit?(): unknown
  put?(name: string, bytes: Uint8Array): unknown
  read?(name: string, signal: AbortSignal | undefined): unknown
}

/** Wraps a backend so that a spy can observe its calls, delay them, or make them fail. */
export function watched(backend: Backend, spy: Spy): Backend {
  const { metadata, blocks } = backend
  return {
    ...backend,
    metadata: {
      ...metadata,
      async get(key, options) {
        await spy.get?.(key)
        return metadata.get(key, options)
      },
      async commit(...args) {
        await spy.commit?.()
        return metadata.commit(...args)
      },
    },
    blocks: {
      ...blocks,
      async put(name, bytes, options) {
        await spy.put?.(name, bytes)
        return blocks.put(name, bytes, options)
      },
      async get(name, options) {
        await spy.read?.(name, options?.signal)
        return blocks.get(name, options)
      },
    },
  }
}

/** Waits until all work in memory has come to a standstill, including the loading of functions on first use. */
export async function settle(): Promise<void> {
  await Promise.all([loadChecksum(), createDigest(memoryBackend())])
  await standstill()
}
