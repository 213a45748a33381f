/** A piece of new content, and where its bytes are. */
export interface RangePiece {
  /** Which source has them: what is there already, or what the new content is fetched from. */
  readonly source: 'local' | 'remote'
  /** Offset of the piece in the new content, in bytes. */
  readonly position: number
  /** Offset of the piece in its source, in bytes; of a remote one the same as `position`. */
  readonly offset: number
  /** Number of bytes, at least 1. */
  readonly length: number
}

/**
 * Adds a piece behind the last one: lengthens that, if the piece goes on where it ends, in the content and in the source.
 */
export function addPiece(pieces: RangePiece[], piece: RangePiece): void {
  const last = pieces.at(-1)
  if (last && last.source === piece.source && last.offset + last.length === piece.offset) {
    pieces[pieces.length - 1] = { ...last, length: last.length + piece.length }
  } else {
    pieces.push(piece)
  }
}

/** The piece of the new content `[start, end)` if it is to be fetched. */
export function remotePiece(start: number, end: number): RangePiece {
  return { source: 'remote', position: start, offset: start, length: end - start }
}

/**
 * Makes one remote piece of two, and of the local ones between them, where these have fewer than `coalesceLength` bytes
 * together.
 */
export function coalescePieces(pieces: readonly RangePiece[], coalesceLength: number): RangePiece[] {
  const result: RangePiece[] = []
  /** The local pieces since the last remote one. */
  let between: RangePiece[] = []
  for (const piece of pieces) {
    if (piece.source === 'local') {
      between.push(piece)
      continue
    }
    const last = result.at(-1)
    if (last && piece.position - (last.position + last.length) < coalesceLength) {
      result[result.length - 1] = remotePiece(last.position, piece.position + piece.length)
    } else {
      for (const each of between) result.push(each)
      result.push(piece)
    }
    between = []
  }
  for (const piece of between) result.push(piece)
  return result
}
