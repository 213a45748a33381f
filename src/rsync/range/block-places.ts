import type { DeltaCopy } from './delta-copies.ts'
import { equalBlocks } from './equal-blocks.ts'
import { addPiece, type RangePiece, remotePiece } from './range-pieces.ts'
import type { Signature } from '../signature.ts'

/**
 * Number of extra places kept for a group of identical blocks, beyond one for each block. Some are needed because the
 * first place found is not always next to the surrounding blocks. The number is limited because the local source may
 * contain any number of copies.
 */
const SPARE_PLACES = 3

/** Maximum number of starting places compared for a piece. It limits the work on uniform content. */
const MAX_CANDIDATES = 16

/**
 * Collects the places in a local source where blocks of the new content were found, and turns them into as few pieces
 * as it can. It keeps at most four places per block, however large the source is.
 */
export class BlockPlaces {
  readonly #blockLength: number
  readonly #size: number
  /** For each block, the first identical block, which represents them all here. */
  readonly #firsts: Uint32Array
  /** For each representative block, how many more places to keep. */
  readonly #wanted: Uint32Array
  /** The local offset of each place, ascending within one delta. */
  readonly #offsets: number[] = []
  /** The block found at each place. */
  readonly #blocks: number[] = []

  /** Creates an empty collection for new content of `size` bytes. */
  constructor(signature: Signature, size: number) {
    const { blockCount, blockLength } = signature
    this.#blockLength = blockLength
    this.#size = size
    // A short block at the end is never identical to another one, whatever their sums are.
    const wholeBlocks = Math.floor(size / blockLength)
    this.#firsts = new Uint32Array(blockCount).fill(wholeBlocks)
    this.#firsts.set(equalBlocks(signature, wholeBlocks))
    this.#wanted = new Uint32Array(blockCount)
    for (const first of this.#firsts) {
      if (this.#wanted[first] === 0) this.#wanted[first] = SPARE_PLACES
      this.#wanted[first]!++
    }
  }

  /**
   * Adds the places that a copy command reveals. The delta's basis consists of these `blocks` of the new content (by
   * default, all of them), and its new bytes are the local source. Deltas must be added one after the other, and the
   * copies of each in order.
   */
  add({ offset, position, length }: DeltaCopy, blocks?: Uint32Array): void {
    for (let done = 0; done < length; done += this.#blockLength) {
      const found = (position + done) / this.#blockLength
      const index = blocks ? blocks[found]! : found
      // Truncated strong sums may confuse the end of the local source with a full block, or a block with the short end.
      if (Math.min(this.#blockLength, length - done) !== this.#lengthOf(index)) continue
      const block = this.#firsts[index]!
      if (this.#wanted[block] === 0) continue
      this.#wanted[block]!--
      this.#offsets.push(offset + done)
      this.#blocks.push(block)
    }
  }

  /** Returns the blocks without a place, in order. Identical blocks are represented by the first. */
  missing(): Uint32Array {
    const found = new Uint8Array(this.#firsts.length)
    for (const block of this.#blocks) found[block] = 1
    return this.#firsts.filter((first, index) => first === index && found[index] === 0)
  }

  /**
   * Returns the pieces of the whole content, in order: local where a place is known, with neighbouring pieces merged.
   */
  pieces(): RangePiece[] {
    const pieces: RangePiece[] = []
    const { starts, places } = this.#placesByBlock()
    for (let index = 0; index < this.#firsts.length;) {
      const block = this.#firsts[index]!
      const start = starts[block]!
      const candidates = places.subarray(start, Math.min(starts[block + 1]!, start + MAX_CANDIDATES))
      const { place, blockCount } = this.#longest(index, candidates)
      const position = index * this.#blockLength
      index += Math.max(1, blockCount)
      const end = Math.min(this.#size, index * this.#blockLength)
      if (blockCount === 0) addPiece(pieces, remotePiece(position, end))
      else addPiece(pieces, { source: 'local', position, offset: this.#offsets[place]!, length: end - position })
    }
    return pieces
  }

  /**
   * Returns the candidate with the longest run of consecutive blocks, starting with block `index`. Always taking the
   * longest run gives the fewest pieces.
   */
  #longest(index: number, candidates: Uint32Array): { place: number; blockCount: number } {
    let left = [...candidates]
    let place = -1
    let blockCount = 0
    while (left.length > 0) {
      place = left[0]!
      blockCount++
      left = left.filter((candidate) => this.#follows(candidate, blockCount, this.#firsts[index + blockCount]))
    }
    return { place, blockCount }
  }

  /**
   * Whether `block` was found `blockCount` blocks after `place`, by the same delta. Places found by one delta never
   * overlap.
   */
  #follows(place: number, blockCount: number, block: number | undefined): boolean {
    const expected = this.#offsets[place]! + blockCount * this.#blockLength
    return (
      block !== undefined &&
      this.#blocks[place + blockCount] === block &&
      this.#offsets[place + blockCount] === expected
    )
  }

  /**
   * Returns the places grouped by block, otherwise in the order in which they were added. Those of block `b` are
   * `places.subarray(starts[b], starts[b + 1])`.
   */
  #placesByBlock(): { starts: Uint32Array; places: Uint32Array } {
    const starts = new Uint32Array(this.#firsts.length + 1)
    for (const block of this.#blocks) starts[block + 1]!++
    for (let block = 1; block < starts.length; block++) starts[block]! += starts[block - 1]!
    const ends = starts.slice()
    const places = new Uint32Array(this.#blocks.length)
    for (const [place, block] of this.#blocks.entries()) places[ends[block]!++] = place
    return { starts, places }
  }

  #lengthOf(index: number): number {
    return Math.min(this.#blockLength, this.#size - index * this.#blockLength)
  }
}
