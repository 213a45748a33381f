// The browser part of the bench, inside a page. The bench calls `measure` from outside.
import { LocalHive, StreamStore } from 'combstream'
import { type BrowserBackend, browserBackend } from 'combstream/backends/browser'
import { createSHA256, createXXHash64 } from 'hash-wasm'
import { drain } from '../drain.ts'
import { noise } from '../noise.ts'
import { type BareBlocks, bareIndexedDb, bareOpfs } from './bare-blocks.ts'
import { writePieces } from './write-pieces.ts'

/** What {@linkcode measure} can measure. */
export type Measured = 'store' | 'write bare' | 'hash' | 'read' | 'read unchecked' | 'read bare' | 'read bare checked'

const BLOCK_BYTES = 1_000_000
/** As many as a store writes and reads at a time. */
const WRITES_IN_FLIGHT = 8
const READS_IN_FLIGHT = 4
const NAME = 'bench'
const BARE = { indexeddb: bareIndexedDb, opfs: bareOpfs }

let content = new Uint8Array()

/** Does some work of `byteLength` bytes once, and returns how many milliseconds it took. */
export async function measure(kind: BrowserBackend['kind'], what: Measured, byteLength: number): Promise<number> {
  if (content.byteLength !== byteLength) content = noise(byteLength, 1)
  if (what === 'hash') return timed(hash)
  if (what === 'write bare' || what === 'read bare' || what === 'read bare checked') {
    return measureBare(await BARE[kind](NAME), what)
  }
  const backend = await browserBackend(NAME, { prefer: kind })
  const store = new StreamStore(backend)
  const hive = new LocalHive(store)
  let took = await timed(() => writePieces(hive.sink('x'), blocks()))
  if (what !== 'store') {
    const consistency = what === 'read' ? 'conflict' : 'snapshot'
    took = await timed(async () => drain((await hive.open('x', { consistency })).stream()))
  }
  await store.close()
  await removeHive()
  return took
}

/** Whether the browser has what this backend needs. */
export async function has(kind: BrowserBackend['kind']): Promise<boolean> {
  const backend = await browserBackend(NAME, { prefer: kind })
  await backend.close()
  await removeHive()
  return backend.kind === kind
}

/** What a store computes while it stores: the digest of the stream, and a checksum of each block. */
async function hash(): Promise<void> {
  const [digest, checksum] = await Promise.all([createSHA256(), createXXHash64()])
  digest.init()
  for (const block of blocks()) {
    digest.update(block)
    checksum.init().update(block).digest('binary')
  }
  digest.digest('binary')
}

async function measureBare(bare: BareBlocks, what: 'write bare' | 'read bare' | 'read bare checked'): Promise<number> {
  let took = await timed(() => inFlight(WRITES_IN_FLIGHT, blocks(), (block, index) => bare.write(String(index), block)))
  if (what === 'read bare')
    took = await timed(() => inFlight(READS_IN_FLIGHT, blocks(), (_, index) => bare.read(String(index))))
  if (what === 'read bare checked') took = await timed(() => readChecked(bare))
  await bare.remove()
  return took
}

/**
 * Reads the blocks in their order, four at a time, and a row for each when its turn comes: the least that a store does whose
 * readers get no bytes once the version has changed.
 */
async function readChecked(bare: BareBlocks): Promise<void> {
  const count = [...blocks()].length
  const ahead: Promise<Uint8Array>[] = []
  for (let next = 0, index = 0; index < count; index++) {
    const row = bare.readRow()
    while (next < Math.min(count, index + READS_IN_FLIGHT)) ahead.push(bare.read(String(next++)))
    await Promise.all([row, ahead.shift()])
  }
}

function* blocks(): Generator<Uint8Array<ArrayBuffer>> {
  for (let offset = 0; offset < content.byteLength; offset += BLOCK_BYTES) {
    yield content.subarray(offset, offset + BLOCK_BYTES)
  }
}

/** Works on the items in their order, on `count` of them at a time. */
async function inFlight<T>(
  count: number,
  items: Iterable<T>,
  work: (item: T, index: number) => Promise<unknown>,
): Promise<void> {
  const iterator = items[Symbol.iterator]()
  let index = 0
  const worker = async (): Promise<void> => {
    for (let item = iterator.next(); !item.done; item = iterator.next()) await work(item.value, index++)
  }
  await Promise.all(Array.from({ length: count }, worker))
}

async function removeHive(): Promise<void> {
  const request = indexedDB.deleteDatabase(`combstream:${NAME}`)
  await new Promise((resolve, reject) => {
    request.onsuccess = resolve
    request.onerror = () => reject(request.error!)
  })
  const root = await (navigator.storage as Partial<StorageManager> | undefined)?.getDirectory?.()
  await root?.removeEntry('combstream', { recursive: true }).catch(() => undefined)
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now()
  await work()
  return performance.now() - begin
}

Object.assign(globalThis, { measure, has })
