/**
 * A backend in memory: for tests, for caches, and for hosts that have no storage.
 *
 * @module
 */
import { copyBytes, startsWithBytes } from '../bytes/byte-order.ts'
import { BackendError } from '../errors.ts'
import type { Backend, Blocks, Metadata, ObjectInfo, Row } from '../store/backend.ts'

export { BackendError, type BackendErrorOptions } from '../errors.ts'

/** Makes a backend that keeps everything in memory, until nothing refers to the backend any more.
 *
 * @example
 * ```ts
 * import { memoryBackend } from 'combstream/backends/memory'
 * import { StreamStore } from 'combstream/store'
 *
 * const store = new StreamStore(memoryBackend())
 * const sink = store.sink()
 * await new Blob(['honey']).stream().pipeTo(sink)
 * const stored = await sink.stored
 * console.assert((await new Response(stored.stream()).text()) === 'honey')
 * ```
 */
export function memoryBackend(): Backend {
  const state = { closed: false }
  return {
    metadata: memoryMetadata(state),
    blocks: memoryBlocks(state),
    close() {
      state.closed = true
      return Promise.resolve()
    },
  }
}

interface State {
  closed: boolean
}

/** Does the work of a call as one step, in a promise, unless the call is given up or too late. */
async function call<T>(state: State, signal: AbortSignal | undefined, work: () => T): Promise<T> {
  signal?.throwIfAborted()
  if (state.closed) throw new TypeError('the backend is closed')
  return work()
}

function memoryMetadata(state: State): Metadata {
  const rows = new SortedMap<{ key: Uint8Array; value: Uint8Array; version: string }>()
  let version = 0
  return {
    get(key, { signal } = {}) {
      return call(state, signal, () => {
        const row = rows.get(textOf(key))
        return row && { value: row.value.slice(), version: row.version }
      })
    },
    list({ prefix, after, limit, signal }) {
      return call(state, signal, () => {
        const found: Row[] = []
        const start =
          after && !startsBefore(after, prefix) ? { key: textOf(after), past: true } : { key: textOf(prefix) }
        for (const row of rows.from(start.key, start.past)) {
          if (found.length >= limit || !startsWithBytes(row.key, prefix)) break
          found.push({ key: row.key.slice(), value: row.value.slice(), version: row.version })
        }
        return found
      })
    },
    commit(checks, mutations, { signal } = {}) {
      return call(state, signal, () => {
        if (checks.some((check) => rows.get(textOf(check.key))?.version !== check.version)) return false
        const written = String(++version)
        for (const { key, value } of mutations) {
          if (value) rows.set(textOf(key), { key: copyBytes(key), value: copyBytes(value), version: written })
          else rows.delete(textOf(key))
        }
        return written
      })
    },
  }
}

function memoryBlocks(state: State): Blocks {
  const objects = new SortedMap<Uint8Array>()
  return {
    isImmediate: true,
    put(name, bytes, { signal } = {}) {
      return call(state, signal, () => {
        if (objects.get(name)) throw new BackendError(`object ${name} exists`, { retryable: false })
        objects.set(name, copyBytes(bytes))
      })
    },
    get(name, { signal, into } = {}) {
      return call(state, signal, () => {
        const bytes = objects.get(name)
        // New memory takes longer to get than to fill.
        if (!bytes || into?.byteLength !== bytes.byteLength) return bytes?.slice()
        into.set(bytes)
        return into
      })
    },
    size(name, { signal } = {}) {
      return call(state, signal, () => objects.get(name)?.byteLength)
    },
    delete(name, { signal } = {}) {
      return call(state, signal, () => objects.delete(name))
    },
    list({ prefix, after, limit, signal }) {
      return call(state, signal, () => {
        const found: ObjectInfo[] = []
        const past = after !== undefined && after >= prefix
        for (const name of objects.keysFrom(past ? after : prefix, past)) {
          if (found.length >= limit || !name.startsWith(prefix)) break
          found.push({ name, size: objects.get(name)!.byteLength })
        }
        return found
      })
    },
  }
}

/** A map whose keys are kept in the order of their UTF-16 units, which for keys of bytes is the order of the bytes. */
class SortedMap<V> {
  readonly #values = new Map<string, V>()
  readonly #keys: string[] = []

  get(key: string): V | undefined {
    return this.#values.get(key)
  }

  set(key: string, value: V): void {
    if (!this.#values.has(key)) this.#keys.splice(this.#find(key), 0, key)
    this.#values.set(key, value)
  }

  delete(key: string): void {
    if (this.#values.delete(key)) this.#keys.splice(this.#find(key), 1)
  }

  *keysFrom(key: string, past = false): Generator<string> {
    let index = this.#find(key)
    if (past && this.#keys[index] === key) index++
    for (; index < this.#keys.length; index++) yield this.#keys[index]!
  }

  *from(key: string, past = false): Generator<V> {
    for (const found of this.keysFrom(key, past)) yield this.#values.get(found)!
  }

  /** Index of the first key that is not before `key`. */
  #find(key: string): number {
    let low = 0
    let high = this.#keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#keys[middle]! < key) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** One UTF-16 unit a byte. */
function textOf(key: Uint8Array): string {
  let text = ''
  for (const byte of key) text += String.fromCharCode(byte)
  return text
}

function startsBefore(after: Uint8Array, prefix: Uint8Array): boolean {
  return textOf(after) < textOf(prefix)
}
