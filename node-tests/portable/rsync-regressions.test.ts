import { describe, expect, it } from 'vitest'
import { hex } from '../support/jobs.ts'
import { checkPatchGivenUp, checkPatchJob, checkPatchStream, checkSignature } from '../support/rsync-parsers.ts'
import { checkRoundTrip, type RoundTripCase } from '../support/rsync-round-trip.ts'

/**
 * Cases that are easily got wrong, and those that broke something, as scripts/fuzz-rsync.mjs prints them, cut down to
 * the least. A new one goes at the end.
 */
const PATCHES = [
  // A copy of nothing that goes on where the one before ends: swallowed with it.
  {
    delta: '72730236 450064 456400 00',
    basisSize: 700,
    options: {},
    inputBytes: 100,
    outputBytes: 100,
    basisBytes: 100,
  },
  // The same beyond the basis, the limit and the expected size: each is told only when the copy before is written.
  {
    delta: '72730236 450064 4664 0300 00',
    basisSize: 700,
    options: {},
    inputBytes: 100,
    outputBytes: 7,
    basisBytes: 9,
  },
  {
    delta: '72730236 450064 456401 00',
    basisSize: 700,
    options: { maxOutputLength: 100 },
    inputBytes: 100,
    outputBytes: 100,
    basisBytes: 1,
  },
  {
    delta: '72730236 450064 456401 00',
    basisSize: 700,
    options: { expected: { size: 100 } },
    inputBytes: 100,
    outputBytes: 1,
    basisBytes: 100,
  },
  // A copy at the end of the basis, which has no byte there.
  { delta: '72730236 4902bc01 00', basisSize: 700, options: {}, inputBytes: 1, outputBytes: 1, basisBytes: 1 },
  // Positions and lengths whose sum is no safe integer.
  {
    delta: '72730236 5400000000000002bc001fffffffffffff',
    basisSize: 700,
    options: {},
    inputBytes: 3,
    outputBytes: 9,
    basisBytes: 9,
  },
] as const

const SIGNATURES = [
  // A strong length of 0 is all of the strong sum, which MD4 has 16 bytes of.
  {
    bytes: `72730146 00000100 00000000 ${'5a'.repeat(40)}`,
    limits: { blockLength: 256, blockCount: 2 },
    inputBytes: 7,
  },
  { bytes: '72730136 00000100 00000011', limits: { blockLength: 256, blockCount: 2 }, inputBytes: 5 },
  // One block more than allowed, which is told as soon as the block is whole, and not before.
  { bytes: `72730147 00000001 00000001 ${'5a'.repeat(9)}`, limits: { blockLength: 1, blockCount: 1 }, inputBytes: 1 },
  { bytes: `72730147 00000001 00000001 ${'5a'.repeat(10)}`, limits: { blockLength: 1, blockCount: 1 }, inputBytes: 1 },
]

const ROUND_TRIPS: RoundTripCase[] = [
  // Both versions empty, in turn: a signature without blocks, a delta without commands.
  {
    basis: [],
    edited: [{ text: 'x' }],
    sizeKnown: true,
    signatureOptions: { strongLength: 'min' },
    deltaOptions: { literalLimit: 1 },
    inputBytes: 1,
  },
  {
    basis: [{ text: 'x' }],
    edited: [],
    sizeKnown: false,
    signatureOptions: { blockLength: 1 },
    deltaOptions: {},
    inputBytes: 1,
  },
]

describe('what is easily got wrong', () => {
  it.each(PATCHES)('is right in PatchJob and PatchStream: $delta', async ({ delta, ...rest }) => {
    const each = { ...rest, delta: hex(delta) }
    expect(() => checkPatchJob(each)).not.toThrow()
    await expect(checkPatchStream(each)).resolves.toBeUndefined()
    for (let moment = 0; moment < 40; moment += 3) {
      await expect(checkPatchGivenUp(each, moment, 'cancel')).resolves.toBeUndefined()
    }
  })

  it.each(SIGNATURES)('is right in LoadSignatureJob and loadSignature: $bytes', async ({ bytes, ...rest }) => {
    await expect(checkSignature({ ...rest, bytes: hex(bytes) })).resolves.toBeUndefined()
  })

  it.each(ROUND_TRIPS)('is right on the way round: $basis to $edited', async (each) => {
    await expect(checkRoundTrip(each)).resolves.toHaveProperty('delta')
  })
})
