/** A piece of the new content, and where to find its bytes. */
export interface RangePiece {
  /** The source of the bytes: `'local'` if they are already there, `'remote'` if they must be fetched. */
  readonly source: 'local' | 'remote'
  /** Offset of the piece in the new content, in bytes. */
  readonly position: number
  /** Offset of the piece in its source, in bytes. For a remote piece it equals `position`. */
  readonly offset: number
  /** Number of bytes, at least 1. */
  readonly length: number
}

/** Appends a piece. If it continues the last one, in the content and in the source, that one is extended instead. */
export function addPiece(pieces: RangePiece[], piece: RangePiece): void {
  const last = pieces.at(-1)
  if (last && last.source === piece.source && last.offset + last.length === piece.offset) {
    pieces[pieces.length - 1] = { ...last, length: last.length + piece.length }
  } else {
    pieces.push(piece)
  }
}

/** Returns the remote piece for the range `[start, end)` of the new content. */
export function remotePiece(start: number, end: number): RangePiece {
  return { source: 'remote', position: start, offset: start, length: end - start }
}

/**
 * Merges two remote pieces, and the local pieces between them, if those have fewer than `coalesceLength` bytes in
 * total.
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
