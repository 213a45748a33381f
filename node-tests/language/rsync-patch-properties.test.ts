import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PatchJob } from '../../src/rsync.ts'
import { hex, runJob } from '../support/jobs.ts'
import { anyCut, anyDelta, anyDeltaBytes, anyPatchOptions } from '../support/rsync-arbitraries.ts'
import { modelPatch } from '../support/rsync-models.ts'
import { checkPatchTeardown, checkPatchJob, checkPatchStream } from '../support/rsync-parsers.ts'
import { runs } from '../support/sample.ts'
import { randomBytes } from '../support/streams.ts'

const BASIS_SIZE = 700

/** Enough for several windows and read-aheads of a stream. */
const LARGE_BASIS_SIZE = 400_000

const anyPatch = fc
  .record({ delta: anyDeltaBytes(BASIS_SIZE), options: anyPatchOptions, cut: anyCut })
  .map(({ delta, options, cut }) => ({ delta, options, basisSize: BASIS_SIZE, ...cut }))

describe('PatchJob', () => {
  it('produces the output or the error that the grammar specifies, for any bytes in any chunks', () => {
    const property = fc.property(anyPatch, checkPatchJob)
    expect(() => fc.assert(property, { numRuns: runs(1500) })).not.toThrow()
  })

  it('accepts every valid delta, and detects truncation at every byte', () => {
    const basis = randomBytes(BASIS_SIZE)
    fc.assert(
      fc.property(anyDelta(BASIS_SIZE, 4), (delta) => {
        expect(runJob(new PatchJob(BASIS_SIZE), delta, { basis })).toEqual(modelPatch(delta, basis).output)
        for (let length = 0; length < delta.byteLength; length++) {
          const error = expect.objectContaining({ name: 'FormatError', reason: 'truncated', offset: length })
          expect(() => runJob(new PatchJob(BASIS_SIZE), delta.subarray(0, length), { basis })).toThrow(error)
        }
      }),
      { numRuns: runs(30) },
    )
  })

  it('rejects every integer above 2^53 - 1', () => {
    const huge = fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }).map((value) => value.toString(16).padStart(16, '0'))
    fc.assert(
      fc.property(huge, (digits) => {
        for (const [fields, offset] of [
          [`44 ${digits}`, 5],
          [`48 00 ${digits}`, 6],
          [`51 ${digits} 01`, 5],
          [`54 ${digits} ${digits}`, 5],
        ] as const) {
          const job = new PatchJob(Number.MAX_SAFE_INTEGER)
          expect(() => job.iterate(hex(`72730236 ${fields}`), new Uint8Array(9))).toThrow(
            expect.objectContaining({ name: 'FormatError', reason: 'invalid', offset }),
          )
        }
      }),
      { numRuns: runs(50) },
    )
  })
})

describe('PatchStream', () => {
  it('produces the output or the error that the grammar specifies, for any bytes in any chunks', async () => {
    const property = fc.asyncProperty(anyPatch, checkPatchStream)
    await expect(fc.assert(property, { numRuns: runs(150) })).resolves.toBeUndefined()
  })

  it('does so with a large basis too', async () => {
    const anyLargePatch = fc.record({
      delta: anyDelta(LARGE_BASIS_SIZE, 20),
      basisSize: fc.constant(LARGE_BASIS_SIZE),
      options: fc.constant({}),
      inputBytes: fc.integer({ min: 1, max: 1000 }),
      outputBytes: fc.constant(10_000),
      basisBytes: fc.integer({ min: 500, max: 70_000 }),
    })
    const property = fc.asyncProperty(anyLargePatch, checkPatchStream)
    await expect(fc.assert(property, { numRuns: runs(100) })).resolves.toBeUndefined()
  })

  it('releases everything, whenever and however it is cancelled', async () => {
    const delta = anyDelta(BASIS_SIZE)
    const patch = fc
      .record({ delta, cut: anyCut })
      .map((each) => ({ delta: each.delta, options: {}, basisSize: BASIS_SIZE, ...each.cut }))
    const how = fc.constantFrom('cancel' as const, 'abort' as const, 'signal' as const)
    const property = fc.asyncProperty(patch, fc.nat(150), how, checkPatchTeardown)
    await expect(fc.assert(property, { numRuns: runs(150) })).resolves.toBeUndefined()
  })
})
