import type { IHasher } from 'hash-wasm'
import { writeCopyCommand, writeLiteralCommand } from '../../src/rsync/delta-commands.ts'
import { MAX_COMMAND_BYTES, OP_END } from '../../src/rsync/wire-format.ts'
import { BlockIndex } from './block-index.ts'
import { RabinKarpWindow } from './rabin-karp.ts'
import type { PlainSignature } from './sign.ts'

/** librsync's limit: longer literals are split. */
const LITERAL_LIMIT = 65533
const MAGIC = Uint8Array.of(0x72, 0x73, 0x02, 0x36)

/**
 * Computes librsync's delta to bytes in memory, in TypeScript, with the signature's strong `hash`. Passes it to `take`
 * in pieces.
 */
export function plainDelta(
  signature: PlainSignature,
  edited: Uint8Array,
  hash: IHasher,
  take: (piece: Uint8Array) => void,
): void {
  const { blockLength } = signature
  const index = new BlockIndex(signature)
  const window = new RabinKarpWindow(blockLength)
  const end = edited.byteLength
  const lastWhole = end - blockLength
  let copyPosition = 0
  let copyLength = 0
  let literalStart = 0
  let position = 0
  let summed = false

  /** Outputs the pending copy, or else the literal, if there is either. */
  const flush = (): void => {
    const command = new Uint8Array(MAX_COMMAND_BYTES)
    if (copyLength > 0) take(command.subarray(0, writeCopyCommand(command, copyPosition, copyLength)))
    else if (position > literalStart) {
      take(command.subarray(0, writeLiteralCommand(command, position - literalStart)))
      take(edited.subarray(literalStart, position))
    }
    copyLength = 0
    literalStart = position
  }
  const match = (windowEnd: number): number => {
    if (!index.filter.passes(window.sum)) return -1
    const rank = index.rankOf(window.sum)
    if (rank < 0) return -1
    hash.init().update(edited.subarray(position, windowEnd))
    return index.find(rank, hash.digest('binary'))
  }

  take(MAGIC)
  while (position < end) {
    if (!summed) window.reset(edited, position, Math.min(position + blockLength, end))
    summed = true
    const rollEnd = Math.min(lastWhole, copyLength > 0 ? position : literalStart + LITERAL_LIMIT)
    if (position < rollEnd) position = window.scan(index.filter, edited, position, rollEnd)
    const windowEnd = Math.min(position + blockLength, end)
    const block = match(windowEnd)
    if (block < 0) {
      if (copyLength > 0 || position - literalStart >= LITERAL_LIMIT) flush()
      if (windowEnd < end) window.rotate(edited[position]!, edited[windowEnd]!)
      else window.shrink(edited[position]!)
      position++
    } else {
      if (copyLength === 0 || copyPosition + copyLength !== block * blockLength) {
        flush()
        copyPosition = block * blockLength
      }
      copyLength += windowEnd - position
      position = windowEnd
      literalStart = windowEnd
      summed = false
    }
  }
  flush()
  take(Uint8Array.of(OP_END))
}
