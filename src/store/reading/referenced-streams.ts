import { equalBytes } from '../../bytes/byte-order.ts'
import { toHex } from '../../bytes/byte-text.ts'
import type { StoreContext } from '../store-context.ts'

const ID_BYTES = 16
/** Rows that are listed at a time: each has up to 33 KB. */
const LIST = 64

const OF_STORES = new WeakMap<object, StoreContext>()

/** Makes it known where the references of a store are. */
export function setReferencesOf(store: object, context: StoreContext): void {
  OF_STORES.set(store, context)
}

/**
 * Finds the streams that have a reference of the user, without knowing their ids. It lists all references of the store, so
 * it is for repairs only. References that are longer than what a key holds are not found.
 *
 * @throws {TypeError} if this is not a store.
 */
export async function referencedStreams(store: object, reference: Uint8Array): Promise<string[]> {
  const context = OF_STORES.get(store)
  if (!context) throw new TypeError('the references are those of a StreamStore')
  const { backend, keys } = context
  await context.ready()
  const prefix = keys.all('r')
  const ids: string[] = []
  for (let after: Uint8Array | undefined; ;) {
    const rows = await backend.metadata.list({ prefix, after, limit: LIST })
    for (const { key } of rows) {
      const id = key.slice(prefix.byteLength, prefix.byteLength + ID_BYTES)
      if (equalBytes(key, keys.reference(id, 'user', 'inline', reference))) ids.push(toHex(id))
    }
    if (rows.length < LIST) return ids
    after = rows.at(-1)!.key
  }
}
