import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anySignatureBytes } from '../support/rsync-arbitraries.ts'
import { checkSignature } from '../support/rsync-parsers.ts'
import { runs } from '../support/sample.ts'

const anyCase = fc.record({
  bytes: anySignatureBytes,
  limits: fc.record({ blockLength: fc.constantFrom(0x7fffffff, 0x1000000, 300, 1), blockCount: fc.nat(8) }),
  inputBytes: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constant(100_000)),
})

describe('LoadSignatureJob and loadSignature', () => {
  it('produce the signature or the error that the grammar specifies, for any bytes in any chunks', async () => {
    const property = fc.asyncProperty(anyCase, checkSignature)
    await expect(fc.assert(property, { numRuns: runs(400) })).resolves.toBeUndefined()
  })
})
