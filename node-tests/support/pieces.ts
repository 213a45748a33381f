import { randomBytes } from './streams.ts'

/** A piece of a file, described rather than stored: random bytes, one byte repeated, text, or a range of the basis. */
export type Piece =
  | { readonly random: number; readonly seed: number }
  | { readonly fill: number; readonly value?: number }
  | { readonly text: string }
  | { readonly from: number; readonly to?: number }

/** Concatenates the bytes that the pieces describe. */
export function assemble(pieces: readonly Piece[], basis: Uint8Array = new Uint8Array(0)): Uint8Array<ArrayBuffer> {
  const parts = pieces.map((piece) => {
    if ('random' in piece) return randomBytes(piece.random, piece.seed)
    if ('fill' in piece) return new Uint8Array(piece.fill).fill(piece.value ?? 0)
    if ('text' in piece) return new TextEncoder().encode(piece.text)
    return basis.slice(piece.from, piece.to)
  })
  const bytes = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0))
  let offset = 0
  for (const part of parts) {
    bytes.set(part, offset)
    offset += part.byteLength
  }
  return bytes
}
