import type { BackendCallOptions, VersionedValue } from '../backend.ts'
import { persistently } from '../retry.ts'
import type { StoreContext } from '../store-context.ts'

/**
 * Reads up to 100 rows at the same time, in the order of their keys. Reads that fail in a way that may be temporary are
 * repeated.
 */
export function getRows(
  { backend: { metadata }, host }: Pick<StoreContext, 'backend' | 'host'>,
  keys: readonly Uint8Array[],
  options?: BackendCallOptions,
): Promise<(VersionedValue | undefined)[]> {
  const repeated = <T>(call: () => Promise<T>): Promise<T> => persistently(host, call, options?.signal)
  if (metadata.getMany) return repeated(() => metadata.getMany!(keys, options))
  return Promise.all(keys.map((key) => repeated(() => metadata.get(key, options))))
}
