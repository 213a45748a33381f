import { readU32 } from '../bytes/integers.ts'
import { onAbort } from '../bytes/on-abort.ts'

/** How much a store does at a time, and how often it tries. */
export interface StoreBudget {
  /**
   * Blocks of an upload that are complete before the first of them is put. Their intents share a commit, and then their
   * entries do.
   * @default 4
   */
  readonly firstGroupBlocks: number
  /**
   * Most blocks of an upload that share these commits later on. Fewer do if the lease of the stream would end meanwhile.
   * @default 8
   */
  readonly groupBlocks: number
  /**
   * Most blocks of an upload that are in memory: the one that is being filled, and those that wait to be put, or are put.
   * At least `firstGroupBlocks`.
   * @default 8
   */
  readonly heldBlocks: number
  /**
   * Blocks that one stream fetches at the same time: each may need an open file or a connection.
   * @default 16
   */
  readonly parallelReads: number
  /**
   * Objects that are deleted at the same time.
   * @default 8
   */
  readonly parallelDeletes: number
  /**
   * Digests that are looked up at the same time.
   * @default 16
   */
  readonly parallelLookups: number
  /**
   * Objects that a scrub compares with the rows at a time. Each takes about 300 bytes of memory; the rows that name
   * objects are read once for each batch.
   * @default 131_072
   */
  readonly scrubObjects: number
  /**
   * How often a call of the backend is tried while its failures may be temporary.
   * @default 5
   */
  readonly tries: number
  /**
   * How often a commit is prepared again because another writer changed what it depends on.
   * @default 100
   */
  readonly conflicts: number
}

/**
 * What a store takes from its surroundings besides its backend. The store does not read a clock, draw a random number
 * or set a timer in any other way, so a test can drive all of them.
 */
export interface StoreHost {
  /** The time, in milliseconds since 1970. */
  now(): number
  /** Random bytes, for names that must never collide. */
  random(byteLength: number): Uint8Array<ArrayBuffer>
  /** Resolves after this many milliseconds; rejects with the reason of `signal` as soon as that aborts. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>
  /** How much is done at a time, and how often it is tried. */
  readonly budget: StoreBudget
}

/** Random bytes that are drawn at a time: a call costs much more than the few bytes of a name. */
const POOL_BYTES = 1024
let pool = new Uint8Array(0)
let drawn = 0

/** Random bytes, none of which is returned twice. */
function drawRandom(byteLength: number): Uint8Array<ArrayBuffer> {
  if (byteLength > POOL_BYTES) return crypto.getRandomValues(new Uint8Array(byteLength))
  if (drawn + byteLength > pool.byteLength) {
    pool = crypto.getRandomValues(new Uint8Array(POOL_BYTES))
    drawn = 0
  }
  drawn += byteLength
  return pool.slice(drawn - byteLength, drawn)
}

/** The host's own clock, random numbers and timers. */
export const systemHost: StoreHost = {
  now: () => Date.now(),
  random: drawRandom,
  sleep(delayMs, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason)
        return
      }
      const stop = onAbort([signal], (reason) => {
        clearTimeout(timer)
        reject(reason)
      })
      const timer = setTimeout(() => {
        stop()
        resolve()
      }, delayMs)
    })
  },
  budget: {
    firstGroupBlocks: 4,
    groupBlocks: 8,
    heldBlocks: 8,
    parallelReads: 16,
    parallelDeletes: 8,
    parallelLookups: 16,
    scrubObjects: 131_072,
    tries: 5,
    conflicts: 100,
  },
}

/** A random number from 0 up to, not including, 1. */
export function randomFraction(host: StoreHost): number {
  return readU32(host.random(4), 0) / 2 ** 32
}
