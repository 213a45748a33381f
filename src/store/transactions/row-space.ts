import { describeValue } from '../../bytes/describe-value.ts'
import { compareBytes, startsWithBytes } from '../../bytes/byte-order.ts'
import type { BackendCallOptions, Mutation } from '../backend.ts'
import type { StoreContext } from '../store-context.ts'
import type { ListSpaceOptions, ReadonlyRowSpace, SpaceRow } from './transaction.ts'

/** Makes the key of a row from the key that its owner knows. */
export type KeyOf = (key: Uint8Array) => Uint8Array

const MAX_KEY_BYTES = 1024
const DEFAULT_VALUE_BYTES = 61_440
const MAX_LIST = 1000

/**
 * Checks a key from a caller.
 *
 * @throws {TypeError} if it is not a Uint8Array.
 * @throws {RangeError} if it does not have 1 to 1,024 bytes.
 */
export function assertSpaceKey(key: Uint8Array): void {
  if (!ArrayBuffer.isView(key)) throw new TypeError(`a key must be a Uint8Array, got ${typeof key}`)
  if (key.byteLength < 1 || key.byteLength > MAX_KEY_BYTES) {
    throw new RangeError(`a key must have 1 to ${MAX_KEY_BYTES} bytes, got ${key.byteLength}`)
  }
}

/**
 * Checks a value from a caller.
 *
 * @throws {TypeError} if it is not a Uint8Array.
 * @throws {RangeError} if it is larger than the backend takes.
 */
export function assertSpaceValue({ backend }: StoreContext, value: Uint8Array): void {
  if (!ArrayBuffer.isView(value)) throw new TypeError(`a value must be a Uint8Array, got ${typeof value}`)
  const limit = backend.limits?.valueBytes ?? DEFAULT_VALUE_BYTES
  if (value.byteLength > limit)
    throw new RangeError(`a value must have at most ${limit} bytes, got ${value.byteLength}`)
}

/** The rows of a space as a store shows them outside of transactions. */
export function readonlySpace(context: StoreContext, keyOf: KeyOf): ReadonlyRowSpace {
  return {
    async get(key, { signal } = {}) {
      assertSpaceKey(key)
      // At the same time, since an engine may be far away.
      const [row] = await Promise.all([context.backend.metadata.get(keyOf(key), { signal }), context.ready({ signal })])
      return row?.value
    },
    async list(options) {
      await context.ready({ signal: options.signal })
      return listSpace(context, keyOf, options, [])
    },
  }
}

/** Lists rows of a space, with changes that are not committed yet laid over them. */
export async function listSpace(
  { backend: { metadata } }: StoreContext,
  keyOf: KeyOf,
  { prefix = new Uint8Array(0), after, limit, signal }: ListSpaceOptions & BackendCallOptions,
  changes: Iterable<Mutation>,
): Promise<SpaceRow[]> {
  if (!Number.isInteger(limit) || limit < 1)
    throw new RangeError(`limit must be an integer from 1, got ${describeValue(limit)}`)
  const start = keyOf(new Uint8Array(0)).byteLength
  const wholePrefix = keyOf(prefix)
  let cursor = after && keyOf(after)
  const pending = [...changes].filter(({ key }) => startsWithBytes(key, wholePrefix))
  const found: SpaceRow[] = []
  for (;;) {
    const rows = await metadata.list({
      prefix: wholePrefix,
      after: cursor,
      limit: Math.min(limit - found.length, MAX_LIST),
      signal,
    })
    const last = rows.at(-1)?.key
    const from = cursor
    const merged = new Map<string, SpaceRow>()
    const name = (key: Uint8Array): string => key.join()
    for (const { key, value } of rows) merged.set(name(key), { key, value })
    for (const { key, value } of pending) {
      if ((from && compareBytes(key, from) <= 0) || (last && compareBytes(key, last) > 0)) continue
      if (value) merged.set(name(key), { key, value: value.slice() })
      else merged.delete(name(key))
    }
    for (const { key, value } of [...merged.values()].toSorted((a, b) => compareBytes(a.key, b.key))) {
      found.push({ key: key.slice(start), value })
    }
    if (!last || found.length >= limit) return found.slice(0, limit)
    cursor = last
  }
}
