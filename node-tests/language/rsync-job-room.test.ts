import { describe, expect, it } from 'vitest'
import { concatBytes } from '../../src/bytes/byte-order.ts'
import { type Codec, DeltaJob, loadKernel, SignatureJob } from '../../src/rsync.ts'
import { difference, runJob, signatureOf } from '../support/jobs.ts'
import { randomBytes } from '../support/streams.ts'

const kernel = await loadKernel()
const BLOCK_LENGTHS = [100, 2048, 16_384, 700_000]

/** Sizes close to those of a job's buffers. */
const SIZES = [0, 1, 262_143, 262_144, 262_145, 524_288, 1_500_000]

/** Runs a job, writing its input into its room whenever it has any, at most `most` bytes at a time. */
function runInRoom(job: Codec & { readonly room: Uint8Array }, input: Uint8Array, most: number, outputBytes: number) {
  const chunks: Uint8Array[] = []
  const output = new Uint8Array(outputBytes)
  let inRoom = 0
  let given: Uint8Array = new Uint8Array(0)
  for (let offset = 0, isEnded = false; ;) {
    const { state, read, written } = job.iterate(given, output)
    chunks.push(output.slice(0, written))
    given = given.subarray(read)
    if (state === 'done') return { bytes: concatBytes(...chunks), inRoom }
    if (given.byteLength > 0 || written === output.byteLength) continue
    const { room } = job
    const piece = input.subarray(offset, offset + Math.min(most, room.byteLength || most))
    offset += piece.byteLength
    if (room.byteLength > 0) {
      room.set(piece)
      given = room.subarray(0, piece.byteLength)
      inRoom += piece.byteLength
    } else {
      given = piece.slice()
    }
    if (piece.byteLength === 0 && !isEnded) {
      job.end()
      isEnded = true
    }
  }
}

describe('the room of a job', () => {
  it('takes the input of a signature job, with the same result', () => {
    for (const blockLength of BLOCK_LENGTHS) {
      for (const size of SIZES) {
        const input = randomBytes(size, 5)
        const expected = runJob(new SignatureJob(kernel, { blockLength }), input)
        for (const [most, outputBytes] of [
          [300_000, 100_000],
          [70_000, 500],
        ] as const) {
          const { bytes, inRoom } = runInRoom(new SignatureJob(kernel, { blockLength }), input, most, outputBytes)
          expect(difference(bytes, expected), `${size} bytes in blocks of ${blockLength}`).toBeUndefined()
          if (size > 1_000_000 && blockLength < 100_000) expect(inRoom).toBeGreaterThan(size / 2)
        }
      }
    }
  })

  it('takes the input of a delta job, with the same result', () => {
    for (const blockLength of BLOCK_LENGTHS) {
      const basis = randomBytes(1_500_000, 6)
      const signature = signatureOf(runJob(new SignatureJob(kernel, { blockLength }), basis))
      const edited = new Uint8Array(1_500_000)
      edited.set(basis.subarray(100_003))
      edited.set(randomBytes(150_000, 7), 400_000)
      for (const size of SIZES) {
        const input = edited.subarray(0, size)
        const expected = runJob(new DeltaJob(signature, kernel), input)
        for (const [most, outputBytes] of [
          [300_000, 100_000],
          [70_000, 500],
        ] as const) {
          const { bytes, inRoom } = runInRoom(new DeltaJob(signature, kernel), input, most, outputBytes)
          expect(difference(bytes, expected), `${size} bytes in blocks of ${blockLength}`).toBeUndefined()
          if (size > 1_000_000) expect(inRoom).toBeGreaterThan(size / 2)
        }
      }
    }
  })
})
