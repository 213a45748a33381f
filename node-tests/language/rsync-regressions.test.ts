import { describe, expect, it } from 'vitest'
import { hex } from '../support/jobs.ts'
import { checkPatchTeardown, checkPatchJob, checkPatchStream, checkSignature } from '../support/rsync-parsers.ts'
import { checkRoundTrip, type RoundTripCase } from '../support/rsync-round-trip.ts'

/**
 * Cases that are easy to get wrong, and cases that once broke something, as printed by scripts/fuzz-rsync.mjs and
 * minimized. Add new ones at the end.
 */
const PATCHES = [
  // An empty copy right after another copy must not be merged into it.
  {
    delta: '72730236 450064 456400 00',
    basisSize: 700,
    options: {},
    inputBytes: 100,
    outputBytes: 100,
    basisBytes: 100,
  },
  // The same for a copy beyond the basis, the limit and the expected size. Each error must come only after the previous
  // copy is written.
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
  // A copy that starts at the end of the basis, where there are no bytes.
  { delta: '72730236 4902bc01 00', basisSize: 700, options: {}, inputBytes: 1, outputBytes: 1, basisBytes: 1 },
  // A position and a length whose sum is not a safe integer.
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
  // A strong length of 0 means the full strong sum, which is 16 bytes for MD4.
  {
    bytes: `72730146 00000100 00000000 ${'5a'.repeat(40)}`,
    limits: { blockLength: 256, blockCount: 2 },
    inputBytes: 7,
  },
  { bytes: '72730136 00000100 00000011', limits: { blockLength: 256, blockCount: 2 }, inputBytes: 5 },
  // One block more than allowed. The error must come when the block is complete, and not before.
  { bytes: `72730147 00000001 00000001 ${'5a'.repeat(9)}`, limits: { blockLength: 1, blockCount: 1 }, inputBytes: 1 },
  { bytes: `72730147 00000001 00000001 ${'5a'.repeat(10)}`, limits: { blockLength: 1, blockCount: 1 }, inputBytes: 1 },
]

const ROUND_TRIPS: RoundTripCase[] = [
  // An empty basis (a signature without blocks), and an empty new version (a delta without commands).
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

describe('cases that are easy to get wrong', () => {
  it.each(PATCHES)('pass in PatchJob and PatchStream: $delta', async ({ delta, ...rest }) => {
    const each = { ...rest, delta: hex(delta) }
    expect(() => checkPatchJob(each)).not.toThrow()
    await expect(checkPatchStream(each)).resolves.toBeUndefined()
    for (let moment = 0; moment < 40; moment += 3) {
      await expect(checkPatchTeardown(each, moment, 'cancel')).resolves.toBeUndefined()
    }
  })

  it.each(SIGNATURES)('pass in LoadSignatureJob and loadSignature: $bytes', async ({ bytes, ...rest }) => {
    await expect(checkSignature({ ...rest, bytes: hex(bytes) })).resolves.toBeUndefined()
  })

  it.each(ROUND_TRIPS)('pass in a round trip: $basis to $edited', async (each) => {
    await expect(checkRoundTrip(each)).resolves.toHaveProperty('delta')
  })
})
