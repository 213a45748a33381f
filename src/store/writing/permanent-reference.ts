import { startsWithBytes } from '../../bytes/byte-order.ts'
import type { Mutation } from '../backend.ts'
import { parseReference } from '../rows/row-values.ts'

/** Whether changes set a reference that never expires, in a row whose key begins with `prefix`. */
export function hasPermanentReference(changes: Iterable<Mutation>, prefix: Uint8Array): boolean {
  for (const { key, value } of changes) {
    if (value && startsWithBytes(key, prefix) && parseReference(value).expiresAt === undefined) return true
  }
  return false
}
