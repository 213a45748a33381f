import { createHash } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { type Contest, timed } from '../contest.ts'
import { type ReadingRow, readEntry } from './reading-whole.ts'

/** Bytes that may wait in shared memory for the thread that hashes them. */
const RING_BYTES = 4 * 2 ** 20
/** Bytes for which it is woken. */
const WAKE_BYTES = 256 * 1024

/** Indices of the numbers that both threads share. Positions are those of the stream, modulo 2^32. */
const WRITTEN = 0
const HASHED = 1
const IS_ENDED = 2
/** Grows whenever there is something new for the thread. */
const NEWS = 3

/** TypeScript has it from es2024 on. */
const { waitAsync } = Atomics as unknown as {
  waitAsync(numbers: Int32Array, index: number, value: number): { readonly value: Promise<string> | string }
}

/** Hashes what comes through the ring; it waits until there is enough, or the end. */
const THREAD = `
const { parentPort, workerData: { ring, shared } } = require('node:worker_threads')
const hash = require('node:crypto').createHash('sha256')
const bytes = new Uint8Array(ring)
const numbers = new Int32Array(shared)
for (let hashed = 0; ; ) {
  const news = Atomics.load(numbers, ${NEWS})
  const isEnded = Atomics.load(numbers, ${IS_ENDED})
  const written = Atomics.load(numbers, ${WRITTEN})
  const left = (written - hashed) | 0
  if (left === 0 && isEnded) break
  if (left < ${WAKE_BYTES} && !isEnded) {
    Atomics.wait(numbers, ${NEWS}, news)
    continue
  }
  const at = (hashed >>> 0) % bytes.length
  const byteLength = Math.min(left, bytes.length - at)
  hash.update(bytes.subarray(at, at + byteLength))
  hashed = (hashed + byteLength) | 0
  Atomics.store(numbers, ${HASHED}, hashed)
  Atomics.notify(numbers, ${HASHED})
}
parentPort.postMessage(hash.digest('base64url'))`

/**
 * Reading an entry with default options, which compare its SHA-256, beside one `fetch` whose bytes are hashed with the
 * same code: what is left is the cost of everything but the digest. `thread` hashes the bytes of the peer elsewhere.
 */
export function hashingContest({ where, url, byteLength }: ReadingRow, thread: boolean): Contest {
  return {
    what: `read ${byteLength / 2 ** 20} MiB ${where}`,
    peerName: `fetch + SHA-256${thread ? ' in a thread' : ''}`,
    amount: byteLength / 1e6,
    unit: 'MB',
    ours: () => timed(() => readEntry(url, byteLength)),
    peer: () => timed(() => fetchHashed(url, byteLength, thread ? hashInThread() : hashHere())),
  }
}

/** A SHA-256 whose input comes in chunks. */
interface Hasher {
  update(chunk: Uint8Array): Promise<void> | void
  digest(): Promise<string> | string
}

async function fetchHashed(url: string, byteLength: number, hasher: Hasher): Promise<void> {
  const response = await fetch(`${url}large`, { headers: { Range: `bytes=0-${byteLength - 1}` } })
  const reader = response.body!.getReader()
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    const wait = hasher.update(next.value)
    if (wait) await wait
  }
  const digest = await hasher.digest()
  // The etag of a hive is the digest of the whole.
  if (response.headers.get('etag') !== `"${digest}"`) throw new Error(`the bytes have the digest ${digest}`)
}

function hashHere(): Hasher {
  const hash = createHash('sha256')
  return { update: (chunk) => void hash.update(chunk), digest: () => hash.digest('base64url') }
}

function hashInThread(): Hasher {
  const ring = new SharedArrayBuffer(RING_BYTES)
  const shared = new SharedArrayBuffer(16)
  const bytes = new Uint8Array(ring)
  const numbers = new Int32Array(shared)
  const worker = new Worker(THREAD, { eval: true, workerData: { ring, shared } })
  const digest = new Promise<string>((resolve, reject) => {
    worker.once('message', resolve).once('error', reject)
  })
  let written = 0
  let unannounced = 0
  const tell = (): void => {
    Atomics.add(numbers, NEWS, 1)
    Atomics.notify(numbers, NEWS)
  }
  const update = async (chunk: Uint8Array, from: number): Promise<void> => {
    for (let start = from; start < chunk.byteLength;) {
      const hashed = Atomics.load(numbers, HASHED)
      const at = (written >>> 0) % RING_BYTES
      const free = Math.min(RING_BYTES - ((written - hashed) | 0), RING_BYTES - at)
      if (free === 0) {
        await waitAsync(numbers, HASHED, hashed).value
        continue
      }
      const piece = chunk.subarray(start, start + free)
      bytes.set(piece, at)
      start += piece.byteLength
      written = (written + piece.byteLength) | 0
      unannounced += piece.byteLength
      Atomics.store(numbers, WRITTEN, written)
      if (unannounced < WAKE_BYTES) continue
      unannounced = 0
      tell()
    }
  }
  return {
    update: (chunk) => update(chunk, 0),
    digest() {
      Atomics.store(numbers, IS_ENDED, 1)
      tell()
      return digest
    },
  }
}
