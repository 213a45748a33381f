import { checkInteger } from '../bytes/check-integer.ts'
import { describeValue } from '../bytes/describe-value.ts'
import type { Hive } from '../hive/hive.ts'
import { type StoreHost, systemHost } from '../store/host.ts'
import type { StreamStore } from '../store/stream-store.ts'
import type { CachedHiveOptions, OpenEntry } from './cached-hive-types.ts'

/** The options of a cached hive, with their defaults. */
export interface CheckedCachedHiveOptions extends Pick<CachedHiveOptions, 'bytes' | 'signal' | 'onError'> {
  readonly hive: string
  readonly principal: string
  readonly staleAfterMs: number
  readonly memoryBytes: number
  readonly follow: boolean
  readonly host: StoreHost
}

/**
 * Checks the arguments of `cachedHive`.
 *
 * @throws {TypeError} if one is of a wrong type.
 * @throws {RangeError} if a number is negative.
 */
export function checkCachedHive(
  remote: Hive | OpenEntry,
  store: StreamStore,
  options: CachedHiveOptions,
): CheckedCachedHiveOptions {
  if (typeof remote !== 'function' && typeof remote?.open !== 'function') {
    throw new TypeError(`remote must be a hive or a function, got ${describeValue(remote)}`)
  }
  if (typeof store?.sink !== 'function') {
    throw new TypeError(`store must be a StreamStore, got ${describeValue(store)}`)
  }
  const { bytes, principal = '', staleAfterMs = 3_000, memoryBytes = 0, follow = false } = options
  const { signal, onError, host = systemHost } = options
  const url = (remote as { readonly url?: unknown }).url
  const { hive = typeof url === 'string' ? url : '' } = options
  checkInteger('bytes', bytes, 0, Number.MAX_SAFE_INTEGER)
  checkInteger('staleAfterMs', staleAfterMs, 0, Infinity)
  checkInteger('memoryBytes', memoryBytes, 0, Number.MAX_SAFE_INTEGER)
  for (const [name, value] of Object.entries({ hive, principal })) {
    if (typeof value !== 'string') throw new TypeError(`${name} must be a string, got ${describeValue(value)}`)
  }
  if (follow && typeof remote === 'function') {
    throw new TypeError('follow needs a hive, got a function that opens entries')
  }
  return { bytes, hive, principal, staleAfterMs, memoryBytes, follow, signal, onError, host }
}
