import { Slots } from '../../../src/backends/postgres/slots.ts'
import { concatBytes, copyBytes } from '../../../src/bytes/byte-order.ts'
import type { Backend, Blocks, Metadata } from '../../../src/store/backend.ts'
import { engineCalls } from '../streams.ts'

/** Calls one of the halves of the engine. */
type Call<Half> = <T>(signal: AbortSignal | undefined, work: (half: Half) => Promise<T>) => Promise<T>

export interface SharedBackendsOptions {
  /** How many backends share a hive of the engine, 256 at most. Default: 100. */
  readonly sharing?: number
  /** How many calls the engine gets at a time, for one that refuses too many. Default: any number. */
  readonly inFlight?: number
  /** What the engine says of its puts. */
  readonly putsMayArriveLate?: boolean
}

/**
 * Returns a function that makes an empty backend at once, as tests make one in memory; the engine opens with its first call.
 *
 * Up to 256 of them share one hive of the engine, where the keys and names of each begin in their own way: some tests make
 * thousands of hives, and to create schemas or databases for all of them would take longer than the tests. What tests have
 * stored goes with the server, or with the profile of the browser.
 */
export function sharedBackends(
  open: () => Promise<Backend>,
  { sharing = 100, inFlight = Infinity, putsMayArriveLate }: SharedBackendsOptions = {},
): () => Backend {
  const slots = new Slots(inFlight)
  let made = 0
  let openOnce = once(open)
  return () => {
    const number = made++ % sharing
    if (number === 0) openOnce = once(open)
    const shared = openOnce
    let isClosed = false
    const call: Call<Backend> = async (signal, work) => {
      signal?.throwIfAborted()
      if (isClosed) throw new TypeError('the backend is closed')
      engineCalls.pending++
      await new Promise<void>((resolve) => slots.take(resolve))
      try {
        signal?.throwIfAborted()
        return await work(await shared())
      } finally {
        slots.giveBack()
        engineCalls.pending--
      }
    }
    return {
      metadata: rowsBelow(new Uint8Array([number]), (signal, work) => call(signal, ({ metadata }) => work(metadata))),
      blocks: {
        ...blocksBelow(`h${number}.`, (signal, work) => call(signal, ({ blocks }) => work(blocks))),
        putsMayArriveLate,
      },
      close() {
        isClosed = true
        return Promise.resolve()
      },
    }
  }
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => (made ??= make())
}

/** The rows whose keys begin with `start`, without it. */
function rowsBelow(start: Uint8Array, call: Call<Metadata>): Metadata {
  const below = (key: Uint8Array): Uint8Array => concatBytes(start, key)
  return {
    get: (key, options) => call(options?.signal, (rows) => rows.get(below(key), options)),
    list: ({ prefix, after, ...options }) =>
      call(options.signal, async (rows) => {
        const found = await rows.list({ ...options, prefix: below(prefix), after: after && below(after) })
        return found.map((row) => ({ ...row, key: copyBytes(row.key.subarray(start.byteLength)) }))
      }),
    commit: (checks, mutations, options) =>
      call(options?.signal, (rows) =>
        rows.commit(
          checks.map((check) => ({ ...check, key: below(check.key) })),
          mutations.map((mutation) => ({ ...mutation, key: below(mutation.key) })),
          options,
        ),
      ),
  }
}

/** The objects whose names begin with `start`, without it. */
function blocksBelow(start: string, call: Call<Blocks>): Blocks {
  return {
    put: (name, bytes, options) => call(options?.signal, (blocks) => blocks.put(start + name, bytes, options)),
    get: (name, options) => call(options?.signal, (blocks) => blocks.get(start + name, options)),
    size: (name, options) => call(options?.signal, (blocks) => blocks.size(start + name, options)),
    delete: (name, options) => call(options?.signal, (blocks) => blocks.delete(start + name, options)),
    list: ({ prefix, after, ...options }) =>
      call(options.signal, async (blocks) => {
        const from = after === undefined ? undefined : start + after
        const found = await blocks.list({ ...options, prefix: start + prefix, after: from })
        return found.map((object) => ({ ...object, name: object.name.slice(start.length) }))
      }),
  }
}
