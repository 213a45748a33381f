import { equalBytes } from '../../bytes/byte-order.ts'
import { toHex } from '../../bytes/byte-text.ts'
import { FormatError, IntegrityError } from '../../errors.ts'
import type { BackendCallOptions } from '../backend.ts'
import { loadChecksum } from '../checksums.ts'
import { type BlockEntry, CODEC_NONE } from '../rows/row-values.ts'
import type { StoreContext } from '../store-context.ts'

/** Which block of which stream it is, for error messages. */
export interface BlockPlace {
  readonly id: Uint8Array
  readonly blockIndex: number
}

/**
 * Reads a block and checks it against its checksum.
 *
 * @throws {IntegrityError} if the object is missing, or its bytes are wrong.
 * @throws {FormatError} with `reason: 'unsupported'` if a later version wrote it.
 */
export async function fetchBlock(
  { backend, keys }: Pick<StoreContext, 'backend' | 'keys'>,
  entry: BlockEntry,
  place: BlockPlace,
  options: BackendCallOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  if (entry.codec !== CODEC_NONE) {
    const { id, blockIndex } = place
    throw new FormatError(`block ${blockIndex} of stored stream ${toHex(id)} has unknown codec ${entry.codec}`, {
      reason: 'unsupported',
    })
  }
  const [checksum, bytes] = await Promise.all([loadChecksum(), backend.blocks.get(keys.object(entry.object), options)])
  if (!bytes) throw blockDamage(place, 'missing')
  const actual = checksum(bytes)
  if (bytes.byteLength !== entry.storedLength || !equalBytes(actual, entry.checksum)) {
    throw blockDamage(place, 'damaged', { expected: toHex(entry.checksum), actual: toHex(actual) })
  }
  return bytes
}

/** The error for a block that cannot be read. */
export function blockDamage(
  { id, blockIndex }: BlockPlace,
  what: 'missing' | 'damaged',
  digests: { expected?: string; actual?: string } = {},
): IntegrityError {
  const streamId = toHex(id)
  return new IntegrityError(`block ${blockIndex} of stored stream ${streamId} is ${what}`, {
    streamId,
    blockIndex,
    ...digests,
  })
}
