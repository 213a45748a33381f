import { FormatError } from '../../errors.ts'
import { CODEC_DEFLATE, CODEC_LZ4, CODEC_NONE } from '../rows/row-values.ts'
import { loadDeflate } from './deflate.ts'
import { loadLz4 } from './lz4.ts'

/**
 * How blocks are compressed: not at all; as frames of LZ4, which is fast; or with deflate, which is slow, and saves
 * more.
 */
export type CodecName = 'none' | 'lz4' | 'deflate'

/** The numbers of the codecs in rows. */
export const CODECS: Readonly<Record<CodecName, number>> = {
  none: CODEC_NONE,
  lz4: CODEC_LZ4,
  deflate: CODEC_DEFLATE,
}

/** A block as it will be stored. */
export interface EncodedBlock {
  /** The bytes of the object: those of the block themselves, or an array of its own. */
  readonly stored: Uint8Array
  readonly codec: number
}

/** Makes the stored form of a block: compressed, or as it is where that saves too little. */
export type EncodeBlock = (raw: Uint8Array) => EncodedBlock

interface Compressor {
  /** Compresses bytes; undefined if they would become more than `room` bytes. */
  compress(bytes: Uint8Array, room: number): Uint8Array | undefined
  /** Decompresses into at most `maxLength` bytes. */
  decompress(bytes: Uint8Array, maxLength: number): Uint8Array<ArrayBuffer>
}

/** A compressed block must be shorter than the block by its length divided by this. */
const LEAST_SAVING = 16

/** Pieces of a block that are compressed before the block is, where that is slow, to see whether it would pay. */
const SAMPLES = 4
const SAMPLE_BYTES = 16 * 1024

/** Loads what a codec needs to encode blocks. */
export async function loadEncoder(codec: number): Promise<EncodeBlock> {
  const compressor = await load(codec)
  if (!compressor) return asItIs
  // LZ4 itself gives up early on bytes that do not repeat.
  const isPromising = codec === CODEC_DEFLATE ? samplesPay : () => true
  return (raw) => {
    const stored = isPromising(compressor, raw) ? compressor.compress(raw, mostStored(raw)) : undefined
    return stored ? { stored, codec } : asItIs(raw)
  }
}

/**
 * The bytes of a block, from those of its object.
 *
 * @throws {FormatError} if they are damaged, or need a later version (`unsupported`).
 */
export async function decodeBlock(
  codec: number,
  stored: Uint8Array<ArrayBuffer>,
  rawLength: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const compressor = await load(codec)
  const raw = compressor ? compressor.decompress(stored, rawLength) : stored
  if (raw.byteLength !== rawLength) {
    throw new FormatError(`a block has ${raw.byteLength} bytes instead of ${rawLength}`, { reason: 'invalid' })
  }
  return raw
}

async function load(codec: number): Promise<Compressor | undefined> {
  switch (codec) {
    case CODEC_NONE:
      return undefined
    case CODEC_LZ4:
      return loadLz4()
    case CODEC_DEFLATE:
      return loadDeflate()
    default:
      throw new FormatError(`unknown codec ${codec}`, { reason: 'unsupported' })
  }
}

function asItIs(raw: Uint8Array): EncodedBlock {
  return { stored: raw, codec: CODEC_NONE }
}

function mostStored({ byteLength }: Uint8Array): number {
  return byteLength - Math.ceil(byteLength / LEAST_SAVING)
}

/** Whether compression pays for a piece of the block. A small block is not worth the samples. */
function samplesPay(compressor: Compressor, raw: Uint8Array): boolean {
  if (raw.byteLength < 2 * SAMPLES * SAMPLE_BYTES) return true
  const distance = Math.floor((raw.byteLength - SAMPLE_BYTES) / (SAMPLES - 1))
  return Array.from({ length: SAMPLES }, (_, index) =>
    raw.subarray(index * distance, index * distance + SAMPLE_BYTES),
  ).some((sample) => compressor.compress(sample, mostStored(sample)) !== undefined)
}
