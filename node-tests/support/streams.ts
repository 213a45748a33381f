import { nextTask } from '../../src/bytes/promises.ts'

/** The chunk sizes that every codec case runs with. Infinity means one whole chunk. */
export const CHUNK_SIZES = [1, 2, 3, 7, 15, 100, 10_000, Infinity]

/** Pseudo-random bytes (xorshift32), always the same for the same seed. */
export function randomBytes(byteLength: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(byteLength)
  let state = seed * 2_654_435_761 || 1
  for (let i = 0; i < byteLength; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[i] = state
  }
  return bytes
}

/**
 * Streams the bytes in chunks of one size. Each chunk is a view into a larger buffer that is overwritten once the chunk
 * is used.
 */
export function chunked(bytes: Uint8Array, size: number): ReadableStream<Uint8Array> {
  let offset = 0
  let last: Uint8Array | undefined
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        last?.fill(0xee)
        if (offset === bytes.byteLength) return controller.close()
        const piece = bytes.subarray(offset, Math.min(bytes.byteLength, offset + size))
        offset += piece.byteLength
        last = new Uint8Array(piece.byteLength + 10).subarray(5, 5 + piece.byteLength)
        last.set(piece)
        controller.enqueue(last)
      },
    },
    { highWaterMark: 0 },
  )
}

/** Far longer than anything here takes. A busy machine, even one that stalls for seconds, must not look like a hang. */
export const HANG_MS = 30_000

/** Rejects if the promise does not settle, so that a hang is reported by name. */
export async function soon<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`still waiting for ${what} after ${HANG_MS} ms`)), HANG_MS)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Returns the error that a promise rejects with. Fails if it resolves. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  const settled = await soon(
    promise.then(
      () => undefined,
      (error: unknown) => ({ error }),
    ),
    'a rejection',
  )
  if (!settled) throw new Error('resolved, but a rejection was expected')
  return settled.error
}

/** Turns of the host after which all work in memory has come to a standstill. */
const TURNS = 50

/** Calls of an engine that stands in for the memory backend, and that have not ended: scripts/test-engines.mjs. */
export const engineCalls = { pending: 0 }

/**
 * Waits until all work that needs nothing external (no timer, file, network or worker) has come to a standstill. Such
 * work consists of microtasks, and of turns in which streams yield to the host.
 */
export async function standstill(): Promise<void> {
  for (let quiet = 0; quiet < TURNS; quiet++) {
    await nextTask()
    if (engineCalls.pending > 0) quiet = 0
  }
}

/** Returns whether a promise is still pending once all work in memory has come to a standstill. */
export async function pending(promise: Promise<unknown>): Promise<boolean> {
  let isPending = true
  const settle = (): void => void (isPending = false)
  promise.then(settle, settle)
  await standstill()
  return isPending
}
