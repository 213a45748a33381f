import type { Mutation } from '../backend.ts'
import { randomId, type StoreContext } from '../store-context.ts'
import { CODEC_NONE, formatPage, formatTrash, MAX_BLOCK_BYTES } from './row-values.ts'

const MAX_U32 = 0xffff_ffff
const NO_CHECKSUM = new Uint8Array(8)

/** An object that no page names. */
export interface Stranger {
  /** Its name, without that of the store. */
  readonly object: Uint8Array
  /** Its length in bytes; 0 if it is not known to exist. */
  readonly size: number
}

/**
 * Makes a new row of the trash, with at most 512 objects that no page names: a collection deletes them after the grace period.
 * They are in a page of a new page set, which no stream names. Each entry has what the collection needs: the name, and the
 * length for its report.
 */
export function trashObjects(context: StoreContext, strangers: readonly Stranger[]): Mutation {
  const entries = strangers.map(({ object, size }) => ({
    object,
    rawLength: Math.min(Math.max(size, 1), MAX_BLOCK_BYTES),
    storedLength: Math.min(size, MAX_U32),
    codec: CODEC_NONE,
    checksum: NO_CHECKSUM,
  }))
  const value = formatTrash(context.host.now(), formatPage({ byteOffset: 0, entries }))
  return { key: context.keys.trash(randomId(context), 0), value }
}
