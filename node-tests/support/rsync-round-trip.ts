import { collect } from '../../src/bytes/collect.ts'
import { DeltaStream, type DeltaStreamOptions, loadSignature, PatchStream } from '../../src/rsync.ts'
import { SignatureStream, type SignatureStreamOptions } from '../../src/rsync.ts'
import { assemble, type Piece } from './pieces.ts'
import { chunked } from './streams.ts'

/** Two versions of a file, options and a chunk size, in the form in which a failing case is recorded. */
export interface RoundTripCase {
  readonly basis: readonly Piece[]
  readonly edited: readonly Piece[]
  /** Whether the signature job knows the size of the basis. */
  readonly sizeKnown: boolean
  readonly signatureOptions: SignatureStreamOptions
  readonly deltaOptions: DeltaStreamOptions
  readonly inputBytes: number
}

/** The files of a round trip. */
export interface RoundTrip {
  readonly basis: Uint8Array<ArrayBuffer>
  readonly edited: Uint8Array
  readonly signature: Uint8Array
  readonly delta: Uint8Array
  /** Number of positions where the weak sum matched a block but the strong sum matched none. */
  readonly falseMatches: number
}

/** Throws unless signature, delta and patch turn the basis into the edited version. */
export async function checkRoundTrip(roundTrip: RoundTripCase): Promise<RoundTrip> {
  const { sizeKnown, signatureOptions, deltaOptions, inputBytes } = roundTrip
  const basis = assemble(roundTrip.basis)
  const edited = assemble(roundTrip.edited, basis)
  const signing = new SignatureStream({ ...signatureOptions, ...(sizeKnown && { sourceLength: basis.byteLength }) })
  const signature = await collect(chunked(basis, inputBytes).pipeThrough(signing))
  const loaded = await loadSignature(chunked(signature, inputBytes))
  const comparing = new DeltaStream(loaded, deltaOptions)
  const delta = await collect(chunked(edited, inputBytes).pipeThrough(comparing))
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', edited))
  const patching = new PatchStream(new Blob([basis]), { expected: { size: edited.byteLength, digest } })
  await chunked(delta, inputBytes).pipeThrough(patching).pipeTo(new WritableStream())
  return { basis, edited, signature, delta, falseMatches: comparing.statistics.falseMatches }
}
