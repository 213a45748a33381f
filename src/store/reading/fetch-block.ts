import { equalBytes } from '../../bytes/byte-order.ts'
import { toHex } from '../../bytes/byte-text.ts'
import { FormatError, IntegrityError } from '../../errors.ts'
import type { GetBlockOptions } from '../backend.ts'
import { loadChecksum } from '../checksums.ts'
import { decodeBlock } from '../codecs/block-codecs.ts'
import type { BlockEntry } from '../rows/row-values.ts'
import type { StoreContext } from '../store-context.ts'

/** Which block of which stream it is, for error messages. */
export interface BlockPlace {
  readonly id: Uint8Array
  readonly blockIndex: number
}

/**
 * Reads a block, checks it against its checksum, and decompresses it.
 *
 * @throws {IntegrityError} if the object is missing, or its bytes are wrong.
 * @throws {FormatError} with `reason: 'unsupported'` if a later version wrote it.
 */
export async function fetchBlock(
  { backend, keys }: Pick<StoreContext, 'backend' | 'keys'>,
  entry: BlockEntry,
  place: BlockPlace,
  options: GetBlockOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const [checksum, bytes] = await Promise.all([loadChecksum(), backend.blocks.get(keys.object(entry.object), options)])
  if (!bytes) throw blockDamage(place, 'missing')
  const actual = checksum(bytes)
  if (bytes.byteLength !== entry.storedLength || !equalBytes(actual, entry.checksum)) {
    throw blockDamage(place, 'damaged', { expected: toHex(entry.checksum), actual: toHex(actual) })
  }
  return decode(entry, bytes, place)
}

async function decode(
  { codec, rawLength }: BlockEntry,
  stored: Uint8Array<ArrayBuffer>,
  place: BlockPlace,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await decodeBlock(codec, stored, rawLength)
  } catch (cause) {
    const { name, reason } = cause as Partial<FormatError>
    if (name !== 'FormatError') throw cause
    if (reason !== 'unsupported') throw blockDamage(place, 'damaged', { cause })
    const { id, blockIndex } = place
    const message = `block ${blockIndex} of stored stream ${toHex(id)} needs a later version`
    throw new FormatError(message, { reason, cause })
  }
}

/** The error for a block that cannot be read. */
export function blockDamage(
  { id, blockIndex }: BlockPlace,
  what: 'missing' | 'damaged',
  facts: { expected?: string; actual?: string; cause?: unknown } = {},
): IntegrityError {
  const streamId = toHex(id)
  return new IntegrityError(`block ${blockIndex} of stored stream ${streamId} is ${what}`, {
    streamId,
    blockIndex,
    ...facts,
  })
}
