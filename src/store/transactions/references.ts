import { describeValue } from '../../bytes/describe-value.ts'
import { copyBytes, equalBytes } from '../../bytes/byte-order.ts'
import { toHex } from '../../bytes/byte-text.ts'
import type { FormatError } from '../../errors.ts'
import { digestOf } from '../checksums.ts'
import {
  formatCandidate,
  formatReference,
  formatStream,
  INLINE_REFERENCE_BYTES,
  isUsable,
  MAX_REFERENCE_BYTES,
  parseReference,
} from '../rows/row-values.ts'
import { OWNERS } from '../rows/row-keys.ts'
import { noSuchStream, parseId, parseStreamRow, type StoreContext } from '../store-context.ts'
import type { RowBuffer } from './row-buffer.ts'
import type { ReferenceOptions } from './transaction.ts'

/**
 * Adds a reference to a stream, which becomes stored again if it was condemned; `rows` then depend on the stream's row.
 *
 * @param by Id of the stream whose last commit sets the reference.
 * @returns The key of its row.
 * @throws {NotFoundError} if there is no such stream.
 * @throws {FormatError} with `reason: 'unsupported'` if a later version wrote the stream's row, or that of the
 * reference.
 */
export async function addReference(
  context: StoreContext,
  rows: RowBuffer,
  stream: Uint8Array,
  reference: Uint8Array,
  options: ReferenceOptions,
  by?: Uint8Array,
): Promise<Uint8Array> {
  const { keys, host } = context
  const expiresAt = expiryOf(options)
  const { key, hashed } = await referenceKey(context, stream, reference, options)
  // The commit that stores a stream depends on its row anyway, and before that the stream has no references.
  if (!by || !equalBytes(by, stream)) {
    const streamKey = keys.stream(stream)
    const value = await rows.read(streamKey)
    const record = value && parseStreamRow(stream, value)
    if (!record || !isUsable(record.status)) throw noSuchStream(toHex(stream))
    if (record.status.kind === 'condemned') {
      rows.write(streamKey, formatStream({ ...record, status: { kind: 'stored' } }))
    }
    assertKnownVersion(await rows.peek(key))
  }
  const at = host.now()
  rows.write(key, formatReference({ at, expiresAt, reference: hashed, by }))
  if (expiresAt !== undefined) rows.write(keys.candidate(stream), formatCandidate(at))
  return key
}

/**
 * Removes a reference, if there is one, and makes the stream a candidate for collection.
 *
 * @throws {FormatError} with `reason: 'unsupported'` if a later version wrote the row of the reference.
 */
export async function removeReference(
  context: StoreContext,
  rows: RowBuffer,
  id: string,
  reference: Uint8Array,
  options: Pick<ReferenceOptions, 'owner'>,
): Promise<void> {
  const stream = parseId(id)
  const { key } = await referenceKey(context, stream, reference, options)
  const value = await rows.read(key)
  if (value === undefined) return
  assertKnownVersion(value)
  rows.write(key, undefined)
  rows.write(context.keys.candidate(stream), formatCandidate(context.host.now()))
}

/**
 * The key of a reference's row. If the key has only the hash, `hashed` is the reference, to be put into the row's
 * value.
 *
 * @throws {TypeError} if the reference is not a Uint8Array, or the owner is unknown.
 * @throws {RangeError} if it is longer than 32 KiB.
 */
export async function referenceKey(
  { backend, keys }: StoreContext,
  stream: Uint8Array,
  reference: Uint8Array,
  { owner = 'user' }: Pick<ReferenceOptions, 'owner'>,
): Promise<{ key: Uint8Array; hashed?: Uint8Array }> {
  assertReference(reference)
  assertOwner({ owner })
  if (reference.byteLength <= INLINE_REFERENCE_BYTES) {
    return { key: keys.reference(stream, owner, 'inline', reference) }
  }
  const hashed = copyBytes(reference)
  return { key: keys.reference(stream, owner, 'hashed', await digestOf(backend, hashed)), hashed }
}

/**
 * Checks that a reference's row, if there is one, may be written over: a damaged one may, not one of a later version.
 */
function assertKnownVersion(value: Uint8Array | undefined): void {
  try {
    if (value) parseReference(value)
  } catch (error) {
    if ((error as FormatError).reason === 'unsupported') throw error
  }
}

/** Checks a reference that a caller gives. */
export function assertReference(reference: Uint8Array): void {
  if (!ArrayBuffer.isView(reference)) throw new TypeError(`a reference must be a Uint8Array, got ${typeof reference}`)
  if (reference.byteLength > MAX_REFERENCE_BYTES) {
    throw new RangeError(`a reference must have at most ${MAX_REFERENCE_BYTES} bytes, got ${reference.byteLength}`)
  }
}

/** Checks who holds a reference. */
export function assertOwner({ owner }: Pick<ReferenceOptions, 'owner'>): void {
  if (owner === undefined || Object.hasOwn(OWNERS, owner)) return
  throw new TypeError(`owner must be one of ${Object.keys(OWNERS).join(', ')}, got ${describeValue(owner)}`)
}

/** When a reference expires, in milliseconds since 1970. */
export function expiryOf({ expires }: ReferenceOptions): number | undefined {
  if (expires === undefined) return undefined
  if (typeof expires?.getTime !== 'function')
    throw new TypeError(`expires must be a Date, got ${describeValue(expires)}`)
  const at = expires.getTime()
  if (!Number.isSafeInteger(at) || at < 0) throw new RangeError(`expires must be a time since 1970, got ${at}`)
  return at
}
