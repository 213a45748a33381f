import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toHex } from '../../src/bytes/byte-text.ts'
import { concatBytes } from '../../src/bytes/byte-order.ts'
import { collect } from '../../src/bytes/collect.ts'
import {
  DeltaJob,
  type DeltaOptions,
  DeltaStream,
  loadKernel,
  PatchJob,
  Signature,
  SignatureJob,
  type SignatureOptions,
  type SumName,
} from '../../src/rsync.ts'
import { writeCopyCommand } from '../../src/rsync/delta-commands.ts'
import { MAX_COMMAND_BYTES } from '../../src/rsync/wire-format.ts'
import { type Cut, difference, hex, runJob, signatureOf } from '../support/jobs.ts'
import { assemble, type Piece } from '../support/pieces.ts'
import { runs } from '../support/sample.ts'
import { CHUNK_SIZES, chunked, randomBytes } from '../support/streams.ts'

const kernel = await loadKernel()
const SUMS: readonly SumName[] = ['rabinkarp-blake2b', 'rabinkarp-md4', 'rollsum-blake2b', 'rollsum-md4']

function sign(basis: Uint8Array, options: SignatureOptions): Signature {
  return signatureOf(runJob(new SignatureJob(kernel, options), basis))
}

function delta(signature: Signature, edited: Uint8Array, options: Cut & DeltaOptions = {}): Uint8Array {
  return runJob(new DeltaJob(signature, kernel, options), edited, options)
}

describe('DeltaJob', () => {
  const basis = randomBytes(1200, 1)
  const signature = sign(basis, { blockLength: 256, strongLength: 8 })

  it('produces the delta in the specification', () => {
    const edited = assemble([{ from: 0, to: 512 }, { text: 'XYZ' }, { from: 512 }], basis)
    expect(delta(signature, edited)).toEqual(hex('72730236 46000200 0358595a 4a020002b0 00'))
  })

  it('produces only the magic and the end command for empty input', () => {
    expect(delta(signature, new Uint8Array(0))).toEqual(hex('7273023600'))
  })

  it('matches the short last block only at the end', () => {
    expect(delta(signature, basis.slice(1024))).toEqual(hex('72730236 490400b0 00'))
    const followed = assemble([{ from: 1024 }, { text: '.' }], basis)
    expect(delta(signature, followed).byteLength).toBe(4 + 2 + 177 + 1)
  })

  it('copies the first of several equal blocks', () => {
    const twice = sign(
      assemble(
        [
          { from: 0, to: 512 },
          { from: 0, to: 512 },
        ],
        basis,
      ),
      { blockLength: 256 },
    )
    expect(delta(twice, basis.slice(256, 512))).toEqual(hex('72730236 4a01000100 00'))
  })

  it.each([
    [1, '01'],
    [64, '40'],
    [65, '4141'],
    [255, '41ff'],
    [256, '420100'],
    [65_533, '42fffd'],
    [65_536, '4300010000'],
  ])('writes a literal of %d bytes in its shortest form', (length, command) => {
    const empty = sign(new Uint8Array(0), { blockLength: 256 })
    const bytes = delta(empty, new Uint8Array(length), { literalLimit: 100_000 })
    expect(toHex(bytes.subarray(4, 4 + command.length / 2))).toBe(command)
    expect(bytes.byteLength).toBe(4 + command.length / 2 + length + 1)
  })

  it.each([1, 100, 256, 1000, 65_533])('splits literals at a limit of %d bytes', (literalLimit) => {
    const edited = randomBytes(70_000, 9)
    const bytes = delta(signature, edited, { literalLimit })
    expect(difference(runJob(new PatchJob(basis.byteLength), bytes, { basis }), edited)).toBeUndefined()
    const job = new DeltaJob(signature, kernel, { literalLimit })
    runJob(job, edited)
    expect(job.statistics.literalCommands).toBe(Math.ceil(70_000 / literalLimit))
  })

  it('rejects an unknown mode', () => {
    expect(() => new DeltaStream(signature, { mode: 'small' as never })).toThrow(TypeError)
  })

  it.each([0, 2 ** 24 + 1])('rejects a literal limit of %d', (literalLimit) => {
    expect(() => new DeltaStream(signature, { literalLimit })).toThrow(RangeError)
  })

  it('counts commands and bytes', () => {
    const edited = assemble([{ from: 0, to: 512 }, { random: 100, seed: 3 }, { from: 512 }], basis)
    const job = new DeltaJob(signature, kernel)
    const bytes = runJob(job, edited)
    expect(job.statistics).toMatchObject({
      inputBytes: 1300,
      outputBytes: bytes.byteLength,
      literalCommands: 1,
      literalBytes: 100,
      literalCommandBytes: 2,
      copyCommands: 2,
      copyBytes: 1200,
      copyCommandBytes: 4 + 5,
      falseMatches: 0,
      blockLength: 256,
    })
  })

  it('produces the same correct delta for any chunking of input and output', () => {
    const piece: fc.Arbitrary<Piece> = fc.oneof(
      fc.record({ random: fc.integer({ min: 0, max: 600 }), seed: fc.integer({ min: 1, max: 1000 }) }),
      fc.record({ fill: fc.integer({ min: 0, max: 600 }), value: fc.constantFrom(0, 7) }),
      fc.record({ from: fc.integer({ min: 0, max: 2000 }), to: fc.integer({ min: 0, max: 2000 }) }),
    )
    const pieces = fc.array(piece, { maxLength: 8 })
    const parameters = fc.record({
      blockLength: fc.constantFrom(1, 2, 3, 16, 100, 256, 5000),
      strongLength: fc.constantFrom<number | 'max'>(4, 12, 'max'),
      literalLimit: fc.constantFrom(1, 7, 100, 65_533),
      mode: fc.constantFrom('compat' as const, 'compact' as const),
      sum: fc.constantFrom(...SUMS),
      inputBytes: fc.integer({ min: 1, max: 3000 }),
      outputBytes: fc.integer({ min: 1, max: 3000 }),
    })
    fc.assert(
      fc.property(
        pieces,
        pieces,
        parameters,
        (before, after, { inputBytes, outputBytes, literalLimit, mode, ...options }) => {
          const old = assemble(before)
          const edited = assemble(after, old)
          const signed = sign(old, options)
          const bytes = delta(signed, edited, { literalLimit, mode })
          expect(
            difference(delta(signed, edited, { literalLimit, mode, inputBytes, outputBytes }), bytes),
            'delta',
          ).toBeUndefined()
          const cut = { inputBytes, outputBytes, basis: old }
          expect(difference(runJob(new PatchJob(old.byteLength), bytes, cut), edited), 'edited').toBeUndefined()
        },
      ),
      { numRuns: runs(300) },
    )
  })

  it('loses no bytes when it moves its buffer, with blocks and literals smaller and larger than the buffer', () => {
    const old = randomBytes(900_000, 2)
    const edited = assemble([{ random: 400_000, seed: 5 }, { from: 123_456 }, { random: 300_000, seed: 6 }], old)
    for (const blockLength of [5000, 100_000]) {
      const signed = sign(old, { blockLength })
      const bytes = delta(signed, edited)
      expect(difference(delta(signed, edited, { inputBytes: 99_991, outputBytes: 10_007 }), bytes)).toBeUndefined()
      expect(difference(runJob(new PatchJob(old.byteLength), bytes, { basis: old }), edited)).toBeUndefined()
    }
  })
})

describe('a job whose end() is called before its last input', () => {
  it('still processes that input', () => {
    const basis = randomBytes(600_000, 3)
    const signature = sign(basis, { blockLength: 2048 })
    const edited = assemble([{ random: 400_000, seed: 4 }, { from: 1000 }], basis)
    const expected = delta(signature, edited)
    const job = new DeltaJob(signature, kernel)
    job.end()
    const output = new Uint8Array(expected.byteLength)
    expect(job.iterate(edited, output)).toEqual({
      state: 'done',
      read: edited.byteLength,
      written: expected.byteLength,
    })
    expect(difference(output, expected)).toBeUndefined()
  })
})

describe('DeltaStream', () => {
  it('immediately rejects anything but a signature, in particular a promise of one', () => {
    const promise = Promise.resolve() as unknown as Signature
    expect(() => new DeltaStream(promise)).toThrow(/loadSignature returns a promise/)
    expect(() => new DeltaStream({} as Signature)).toThrow(TypeError)
  })

  it('accepts a clone of a signature, and rejects one with invalid parts', () => {
    const basis = randomBytes(1000, 8)
    const signature = sign(basis, { blockLength: 100 })
    const clone = structuredClone(signature)
    expect(delta(clone, basis)).toEqual(delta(signature, basis))
    expect(() => new DeltaStream(Object.assign(clone, { blockLength: 0 }))).toThrow(RangeError)
  })

  it.each(CHUNK_SIZES)('produces the same bytes for chunks of %d', async (size) => {
    const basis = randomBytes(1500, 4)
    const edited = assemble([{ from: 300 }, { random: 200, seed: 5 }, { from: 0, to: 700 }], basis)
    const signature = sign(basis, { blockLength: 100 })
    const stream = chunked(edited, size).pipeThrough(new DeltaStream(signature, { literalLimit: 150 }))
    expect(difference(await collect(stream), delta(signature, edited, { literalLimit: 150 }))).toBeUndefined()
  })

  it.each(SUMS)('leaves the signature unchanged for the next delta, with %s', (sum) => {
    const basis = randomBytes(1500, 4)
    const signature = sign(basis, { blockLength: 100, sum })
    const { weakSums, strongSums } = structuredClone(signature)
    const first = delta(signature, basis)
    expect(signature).toMatchObject({ weakSums, strongSums })
    expect(delta(signature, basis)).toEqual(first)
  })
})

describe('a signature made to collide', () => {
  // Two strings with the same weak sum: blocks of 12 of them, in any order, all share one weak sum.
  const [a, b] = collidingStrings(8)
  const SLOTS = 12
  const block = (bits: number): Uint8Array => {
    const bytes = new Uint8Array(SLOTS * 8)
    for (let slot = 0; slot < SLOTS; slot++) bytes.set((bits >> slot) & 1 ? a : b, slot * 8)
    return bytes
  }
  const blocks = (from: number, to: number): Uint8Array => {
    const bytes = new Uint8Array((to - from) * SLOTS * 8)
    for (let i = from; i < to; i++) bytes.set(block(i), (i - from) * SLOTS * 8)
    return bytes
  }

  it.each([5, 8, 31, 32])('still finds every one of its blocks by strong sums of %d bytes', (strongLength) => {
    const basis = blocks(0, 4096)
    const signature = sign(basis, { blockLength: SLOTS * 8, strongLength })
    expect(new Set(signature.weakSums).size).toBe(1)
    const reversed = assemble(
      Array.from({ length: 4096 }, (_, i) => ({ from: (4095 - i) * 96, to: (4096 - i) * 96 })),
      basis,
    )
    const job = new DeltaJob(signature, kernel)
    const bytes = runJob(job, reversed)
    expect(job.statistics).toMatchObject({ copyCommands: 4096, literalBytes: 0, falseMatches: 0 })
    expect(difference(runJob(new PatchJob(basis.byteLength), bytes, { basis }), reversed)).toBeUndefined()
  })

  it.each([1, 2, 3, 7, 40, 600])('finds the first of equal blocks among %d that share a weak sum', (count) => {
    // Other blocks surround them. All of them follow again in another order, and a delta never copies those.
    const around = randomBytes(50 * SLOTS * 8, 6)
    const again = Array.from({ length: count }, (_, i) => block((i * 7) % count))
    const once = Array.from({ length: count }, (_, i) => block(count - 1 - i))
    const basis = concatBytes(around, ...once, ...again, around)
    const signature = sign(basis, { blockLength: SLOTS * 8, strongLength: 7 })
    for (let i = 0; i < count; i++) {
      const command = new Uint8Array(MAX_COMMAND_BYTES)
      const position = around.byteLength + (count - 1 - i) * SLOTS * 8
      const length = writeCopyCommand(command, position, SLOTS * 8)
      expect(toHex(delta(signature, block(i)))).toBe(`72730236${toHex(command.subarray(0, length))}00`)
    }
  })

  it('still finds a block after thousands of false matches', () => {
    const signature = sign(block(0), { blockLength: SLOTS * 8, strongLength: 32 })
    const job = new DeltaJob(signature, kernel)
    const edited = assemble([{ from: 0 }, { fill: SLOTS * 8 }], blocks(2048, 2448))
    edited.set(block(0), 400 * SLOTS * 8)
    const bytes = runJob(job, edited)
    expect(job.statistics).toMatchObject({ copyCommands: 1, copyBytes: SLOTS * 8, falseMatches: 400 * SLOTS })
    expect(difference(runJob(new PatchJob(SLOTS * 8), bytes, { basis: block(0) }), edited)).toBeUndefined()
  })

  it('never makes it hash more than 64 MiB plus 64 bytes for each new byte', () => {
    const edited = randomBytes(200_000, 5)
    const blockLength = 65_536
    // The weak sums match every window, the strong sums none.
    const weakSums = sign(edited.subarray(0, blockLength), { blockLength }).weakSums
    const sums = windowSums(edited, blockLength, weakSums[0]!)
    const strongSums = new Uint8Array(8 * sums.length)
    const job = new DeltaJob(new Signature({ blockLength, strongLength: 8, weakSums: sums, strongSums }), kernel)
    runJob(job, edited)
    const { falseMatches } = job.statistics
    expect(falseMatches * blockLength).toBeGreaterThan(64 * 1024 * 1024 - blockLength)
    expect(falseMatches * blockLength).toBeLessThanOrEqual(64 * 1024 * 1024 + 64 * edited.byteLength)
  })
})

describe('a signature of one block repeated many times', () => {
  const zeros = new Uint8Array(2_000_000)
  const signature = sign(zeros, { blockLength: 16, strongLength: 8 })

  it('is indexed quickly, and matches its first block', () => {
    expect(delta(signature, zeros.subarray(0, 16))).toEqual(hex('72730236 450010 00'))
  })

  it('produces a single copy in compact mode, which patches correctly', () => {
    const job = new DeltaJob(signature, kernel, { mode: 'compact' })
    expect(runJob(job, zeros)).toEqual(hex('72730236 4700001e8480 00'))
    expect(job.statistics).toMatchObject({ copyCommands: 1, literalCommands: 0 })
    const followed = assemble([{ from: 0 }, { text: 'x' }, { from: 0 }, { fill: 16 }], zeros)
    const bytes = delta(signature, followed, { mode: 'compact' })
    expect(bytes.byteLength).toBeLessThan(100)
    expect(difference(runJob(new PatchJob(zeros.byteLength), bytes, { basis: zeros }), followed)).toBeUndefined()
  })
})

/** The weak sums of all windows of a given length. `first` is that of the first window. */
function windowSums(bytes: Uint8Array, byteLength: number, first: number): Uint32Array {
  const MULT = 0x08104225
  let weight = 1
  for (let i = 0; i < byteLength; i++) weight = Math.imul(weight, MULT)
  const sums = new Uint32Array(bytes.byteLength - byteLength + 1)
  sums[0] = first
  for (let i = 1; i < sums.length; i++) {
    const outgoing = Math.imul(weight, bytes[i - 1]! + MULT - 1)
    sums[i] = Math.imul(sums[i - 1]!, MULT) + bytes[i - 1 + byteLength]! - outgoing
  }
  return sums
}

/** Finds two strings with equal sums. Among 2^18 random strings there are about eight such pairs. */
function collidingStrings(length: number): [Uint8Array, Uint8Array] {
  const bytes = randomBytes(2 ** 18 * length, 77)
  const seen = new Map<number, number>()
  for (let offset = 0; offset < bytes.byteLength; offset += length) {
    let sum = 1
    for (let i = 0; i < length; i++) sum = (Math.imul(sum, 0x08104225) + bytes[offset + i]!) | 0
    const other = seen.get(sum)
    if (other !== undefined) return [bytes.slice(other, other + length), bytes.slice(offset, offset + length)]
    seen.set(sum, offset)
  }
  throw new Error('no two strings with equal sums')
}
