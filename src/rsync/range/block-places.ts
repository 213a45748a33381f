import type { DeltaCopy } from './delta-copies.ts'
import { equalBlocks } from './equal-blocks.ts'
import { addPiece, type RangePiece, remotePiece } from './range-pieces.ts'
import type { Signature } from '../signature.ts'

/**
 * How many more places than blocks are kept of blocks that are equal: some, as the first place is not always the one
 * that the blocks around it are found at; not all, as the local source may have any number.
 */
const SPARE_PLACES = 3

/** How many places a piece may begin at are compared: a bound on the work for content that is the same all over. */
const MAX_CANDIDATES = 16

/**
 * Collects the places of a local source at which blocks of the new content were found, and makes pieces of them, as few
 * as it can. It keeps at most four places a block, however large the source is.
 */
export class BlockPlaces {
  readonly #blockLength: number
  readonly #size: number
  /** For each block the first one that is equal to it, which stands for all of them here. */
  readonly #firsts: Uint32Array
  /** For each block that stands for others, how many more places are to be kept. */
  readonly #wanted: Uint32Array
  /** The local offset of each place, ascending within one delta. */
  readonly #offsets: number[] = []
  /** The block that was found at each place. */
  readonly #blocks: number[] = []

  /** Makes a collection without places, for new content of `size` bytes. */
  constructor(signature: Signature, size: number) {
    const { blockCount, blockLength } = signature
    this.#blockLength = blockLength
    this.#size = size
    // A short block at the end equals no other one, whatever their sums are.
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
   * Adds the places that a copy of a delta says, whose basis is these blocks of the new content, all of them by default,
   * and whose new bytes are the local source. One delta after the other, each in order.
   */
  add({ offset, position, length }: DeltaCopy, blocks?: Uint32Array): void {
    for (let done = 0; done < length; done += this.#blockLength) {
      const found = (position + done) / this.#blockLength
      const index = blocks ? blocks[found]! : found
      // Strong sums that were cut short may take the end of the local source for a longer block, or a block for the end.
      if (Math.min(this.#blockLength, length - done) !== this.#lengthOf(index)) continue
      const block = this.#firsts[index]!
      if (this.#wanted[block] === 0) continue
      this.#wanted[block]!--
      this.#offsets.push(offset + done)
      this.#blocks.push(block)
    }
  }

  /** The blocks without a place, in order; of equal ones the first. */
  missing(): Uint32Array {
    const found = new Uint8Array(this.#firsts.length)
    for (const block of this.#blocks) found[block] = 1
    return this.#firsts.filter((first, index) => first === index && found[index] === 0)
  }

  /** The pieces of the whole content, in order: local where a place is known, neighbouring ones merged. */
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

  /** The candidate from which the most blocks from `index` on follow one another; taking it each time makes fewest pieces. */
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

  /** Whether a block was found `blockCount` blocks behind a place, by the same delta: in that no two places overlap. */
  #follows(place: number, blockCount: number, block: number | undefined): boolean {
    const expected = this.#offsets[place]! + blockCount * this.#blockLength
    return (
      block !== undefined &&
      this.#blocks[place + blockCount] === block &&
      this.#offsets[place + blockCount] === expected
    )
  }

  /** The places sorted by their blocks, in the order they came in; those of block b are `[starts[b], starts[b + 1])`. */
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
