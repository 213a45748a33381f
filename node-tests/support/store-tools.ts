import { memoryBackend } from '../../src/backends/memory.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { fromHex } from '../../src/bytes/byte-text.ts'
import type { Backend, BlockSinkOptions, Mutation, StoredStream, StreamStore } from '../../src/store.ts'
import { createDigest, loadChecksum } from '../../src/store/checksums.ts'
import { formatStream, PAGE_ENTRIES, parseStream, type StreamRecord } from '../../src/store/rows/row-values.ts'
import { RowKeys } from '../../src/store/rows/row-keys.ts'
import { standstill } from './streams.ts'

/** The UTF-8 bytes of a text. */
export function text(value: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(value)
}

/** Bytes that differ from their neighbours, and from block to block. */
export function pattern(byteLength: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: byteLength }, (_, i) => (i * 7 + (i >> 8)) & 255)
}

/** Stores bytes. */
export async function put(
  store: StreamStore,
  bytes: Uint8Array<ArrayBuffer>,
  options: BlockSinkOptions = {},
): Promise<StoredStream> {
  const sink = store.sink(options)
  // `stored` settles when what a failed sink wrote has been removed, too.
  await Promise.allSettled([bytesSource(bytes).stream().pipeTo(sink)])
  return sink.stored
}

/** Marks a stream as damaged, as a reader or a check does. */
export async function markAsDamaged({ metadata }: Backend, id: string): Promise<void> {
  const key = new RowKeys('').stream(fromHex(id)!)
  const { value, version } = (await metadata.get(key))!
  await metadata.commit([{ key, version }], [{ key, value: formatStream({ ...parseStream(value), damaged: true }) }])
}

/** Gives the pages of a stream to another page set, which its row then names, and changes the row in other ways. */
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

/** A gate that calls wait at: closed until it is opened. */
export class Gate {
  /** How many wait, or have waited. */
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

/** What is called before a call of a backend does its work. */
export interface Spy {
  get?(key: Uint8Array): unknown
  commit?(): unknown
  put?(name: string, bytes: Uint8Array): unknown
  read?(name: string, signal: AbortSignal | undefined): unknown
}

/** A backend that lets someone look at its calls, hold them up, or fail them. */
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

/** Lets everything go on that can go on in memory, the functions that are loaded first included. */
export async function settle(): Promise<void> {
  await Promise.all([loadChecksum(), createDigest(memoryBackend())])
  await standstill()
}
