import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concatBytes } from '../../src/bytes/byte-order.ts'
import { type ByteSource, bytesSource } from '../../src/bytes/byte-source.ts'
import {
  loadSignature,
  type RangePiece,
  rangePlan,
  type RangePlan,
  type RangePlanOptions,
  Signature,
  type SignatureOptions,
  SignatureStream,
} from '../../src/rsync.ts'
import { difference } from '../support/jobs.ts'
import { runs } from '../support/sample.ts'
import { CHUNK_SIZES, chunked, pending, randomBytes, rejection, soon } from '../support/streams.ts'

const BLOCK = 100
const SHORT = 37

/**
 * Content with one block for each capital letter and a shorter piece for each lower-case letter. The same letter always
 * stands for the same bytes.
 */
function content(letters: string): Uint8Array<ArrayBuffer> {
  const part = (letter: string): Uint8Array =>
    randomBytes(letter < 'a' ? BLOCK : SHORT, (letter.codePointAt(0) ?? 0) + 1)
  return concatBytes(...Array.from(letters, part))
}

async function sign(bytes: Uint8Array, options: SignatureOptions = { blockLength: BLOCK }): Promise<Signature> {
  return await loadSignature(chunked(bytes, Infinity).pipeThrough(new SignatureStream(options)))
}

/** The plan for content given as letters. Nothing is coalesced unless the options say so. */
async function plan(target: string, local: string, options: Partial<RangePlanOptions> = {}): Promise<RangePlan> {
  const bytes = content(target)
  const source = bytesSource(content(local))
  return await rangePlan(await sign(bytes), source, { size: bytes.byteLength, coalesceLength: 0, ...options })
}

const local = (position: number, offset: number, length: number): RangePiece => ({
  source: 'local',
  position,
  offset,
  length,
})
const remote = (position: number, length: number): RangePiece => ({
  source: 'remote',
  position,
  offset: position,
  length,
})

/** Assembles the content that a plan describes, and checks that its pieces are contiguous and its totals correct. */
function assemblePlan({ size, pieces, localBytes, remoteBytes }: RangePlan, here: Uint8Array, there: Uint8Array) {
  const sums = { local: 0, remote: 0 }
  const parts = pieces.map(({ source, position, offset, length }) => {
    expect(position).toBe(sums.local + sums.remote)
    sums[source] += length
    if (source === 'remote') expect(offset).toBe(position)
    const from = source === 'local' ? here : there
    expect(offset + length).toBeLessThanOrEqual(from.byteLength)
    return from.subarray(offset, offset + length)
  })
  expect(sums).toEqual({ local: localBytes, remote: remoteBytes })
  expect(localBytes + remoteBytes).toBe(size)
  return concatBytes(...parts)
}

describe('rangePlan', () => {
  it('finds the parts of new content that a local source has, in chunks of any size', async () => {
    const bytes = content('ABXYCDz')
    const here = content('pABqCDEz')
    const signature = await sign(bytes)
    for (const size of CHUNK_SIZES) {
      const source = sourceOf(here.byteLength, () => chunked(here, size))
      const found = await rangePlan(signature, source, { size: bytes.byteLength, coalesceLength: 0 })
      expect(found).toEqual({
        size: 637,
        pieces: [local(0, 37, 200), remote(200, 200), local(400, 274, 200), local(600, 574, 37)],
        localBytes: 437,
        remoteBytes: 200,
      })
    }
  })

  it.each(['', 'z', 'A', 'ABC', 'ABCz', 'AAAAAAAAz', 'ABABABAz'])(
    'fetches nothing of %j if all of it is local',
    async (text) => {
      const bytes = content(text)
      const pieces = text === '' ? [] : [local(0, 0, bytes.byteLength)]
      expect(await plan(text, text)).toEqual({
        size: bytes.byteLength,
        pieces,
        localBytes: bytes.byteLength,
        remoteBytes: 0,
      })
    },
  )

  it('fetches everything if nothing is local', async () => {
    for (const here of ['', 'X', 'z', 'XYZz']) {
      expect(await plan('ABCd', here)).toMatchObject({ pieces: [remote(0, 337)], localBytes: 0, remoteBytes: 337 })
    }
  })

  it('does not read the local source for empty content', async () => {
    const unread = sourceOf(100, () => {
      throw new Error('was read')
    })
    expect(await rangePlan(await sign(content('')), unread, { size: 0 })).toMatchObject({ pieces: [], size: 0 })
  })

  it('fills all identical blocks from one place', async () => {
    const { pieces } = await plan('ABAXAAz', 'qAr')
    expect(pieces).toEqual([
      local(0, 37, 100),
      remote(100, 100),
      local(200, 37, 100),
      remote(300, 100),
      local(400, 37, 100),
      local(500, 37, 100),
      remote(600, 37),
    ])
  })

  it.each([
    ['ABCXABD', 'ABDqABCr', [local(0, 337, 300), remote(300, 100), local(400, 0, 300)]],
    ['ABCXABD', 'ABCqABDr', [local(0, 0, 300), remote(300, 100), local(400, 337, 300)]],
    ['ABCXABC', 'ABC', [local(0, 0, 300), remote(300, 100), local(400, 0, 300)]],
    ['AAAABAAA', 'AqAArAAABs', [local(0, 374, 300), local(300, 574, 200), local(500, 374, 300)]],
    ['ABCD', 'AqBCrABCs', [local(0, 374, 300), remote(300, 100)]],
  ])('takes %s from %s in the longest possible pieces', async (target, here, pieces) => {
    expect((await plan(target, here)).pieces).toEqual(pieces)
  })

  it.each([
    ['at the end', 'ABqz', [local(0, 0, 200), local(200, 237, 37)]],
    ['at the end, alone', 'z', [remote(0, 200), local(200, 0, 37)]],
    ['right after the block before it', 'ABzCDEq', [local(0, 0, 237)]],
    ['right after that block, at the end', 'qABz', [local(0, 37, 237)]],
    ['nowhere', 'ABqzr', [local(0, 0, 200), remote(200, 37)]],
    ['nowhere, with only the blocks before it', 'AB', [local(0, 0, 200), remote(200, 37)]],
    ['right after a block, in a source that goes on', 'BzqA', [local(0, 174, 100), local(100, 0, 137)]],
  ])('finds a short last block %s', async (_, here, pieces) => {
    expect((await plan('ABz', here)).pieces).toEqual(pieces)
  })

  it('reads the local source again for blocks that it skipped', async () => {
    const part = content('ABCDEFGH')
    const bytes = concatBytes(part, content('p'), part, content('q'), part, content('X'))
    const signature = await sign(bytes)
    let reads = 0
    const source = sourceOf(part.byteLength, () => {
      reads++
      return chunked(part, 300)
    })
    const found = await rangePlan(signature, source, { size: bytes.byteLength, coalesceLength: 0 })
    expect(found.pieces).toEqual([
      local(0, 0, 800),
      remote(800, 100),
      local(900, 63, 700),
      remote(1600, 100),
      local(1700, 26, 700),
      remote(2400, 174),
    ])
    // Once for the first part, once for each of the others, and once in vain.
    expect(reads).toBe(4)
  })

  it.each([
    ['everything is local', 'ABCDEFGH', 'ABCDEFGH', 1],
    ['nothing is local', 'ABCDEFGH', 'STUVWXYZ', 1],
    ['little is missing', 'ABCDEFGHX', 'ABCDEFGHz', 1],
    ['much is missing', 'ABCDEFGHXY', 'ABCDEFGHz', 2],
  ])('reads the local source again only if that may help: %s', async (_, target, here, expected) => {
    const [bytes, near] = [content(target), content(here)]
    let reads = 0
    const source = sourceOf(near.byteLength, () => {
      reads++
      return chunked(near, 300)
    })
    await rangePlan(await sign(bytes), source, { size: bytes.byteLength })
    expect(reads).toBe(expected)
  })

  it('finds a short last block at the end of the local source even if its first bytes were skipped', async () => {
    const lines = (count: number): Uint8Array => new TextEncoder().encode('a line\n'.repeat(count))
    const end = new TextEncoder().encode('the last line\n')
    const near = concatBytes(lines(1000), end)
    const bytes = concatBytes(new TextEncoder().encode('a new first line\n'), near)
    const found = await rangePlan(await sign(bytes), bytesSource(near), { size: bytes.byteLength, coalesceLength: 0 })
    expect(found.remoteBytes).toBe(BLOCK)
    expect(difference(assemblePlan(found, near, bytes), bytes)).toBeUndefined()
  })

  it('does not trust sums that were computed over a different length than the block has', async () => {
    const lie = async (bytes: string, size: number): Promise<RangePlan> => {
      const { weakSums, strongSums } = await sign(content(bytes))
      const signature = new Signature({ blockLength: BLOCK, strongLength: 32, weakSums, strongSums })
      return await rangePlan(signature, bytesSource(content(bytes)), { size, coalesceLength: 0 })
    }
    expect((await lie('z', 100)).pieces).toEqual([remote(0, 100)])
    expect((await lie('z', 36)).pieces).toEqual([remote(0, 36)])
    expect((await lie('A', 99)).pieces).toEqual([remote(0, 99)])
    expect((await lie('BA', 199)).pieces).toEqual([local(0, 0, 100), remote(100, 99)])
    expect((await lie('AA', 199)).pieces).toEqual([local(0, 0, 100), remote(100, 99)])
  })

  it('does not treat blocks as identical if their strong sums differ only in the last byte', async () => {
    const { weakSums, strongSums } = await sign(content('AA'))
    strongSums[63]! ^= 1
    const signature = new Signature({ blockLength: BLOCK, strongLength: 32, weakSums, strongSums })
    const found = await rangePlan(signature, bytesSource(content('A')), { size: 200, coalesceLength: 0 })
    expect(found.pieces).toEqual([local(0, 0, 100), remote(100, 100)])
  })

  it('fetches local bytes between two remote pieces if there are fewer than coalesceLength', async () => {
    const pieces = async (coalesceLength: number | undefined, here = 'AqBrCDE'): Promise<unknown> =>
      (await plan('AXBYCDZE', here, { coalesceLength })).pieces
    const all = [
      local(0, 0, 100),
      remote(100, 100),
      local(200, 137, 100),
      remote(300, 100),
      local(400, 274, 200),
      remote(600, 100),
      local(700, 474, 100),
    ]
    expect(await pieces(0)).toEqual(all)
    expect(await pieces(100)).toEqual(all)
    expect(await pieces(101)).toEqual([all[0], remote(100, 300), ...all.slice(4)])
    expect(await pieces(200)).toEqual([all[0], remote(100, 300), ...all.slice(4)])
    expect(await pieces(201)).toEqual([all[0], remote(100, 600), all[6]])
    expect(await pieces(undefined)).toEqual([all[0], remote(100, 600), all[6]])
    // Consecutive local pieces are added up.
    expect(await pieces(200, 'AqBrDsCtE')).toHaveLength(8 - 2)
    expect(await pieces(201, 'AqBrDsCtE')).toHaveLength(3)
  })

  it('coalesces below 16 KiB by default', async () => {
    const bytes = randomBytes(80 * 1024)
    const here = bytes.slice()
    for (const offset of [1, 18 * 1024 + 1, 34 * 1024 + 1]) here[offset]! ^= 1
    const signature = await sign(bytes, { blockLength: 1024 })
    const { pieces } = await rangePlan(signature, bytesSource(here), { size: bytes.byteLength })
    const kib = (piece: RangePiece): number[] => [piece.position / 1024, piece.length / 1024]
    // The first two changes are 17 KiB apart, the others 15.
    expect(pieces.map(kib)).toEqual([
      [0, 1],
      [1, 17],
      [18, 17],
      [35, 45],
    ])
  })

  it('produces contiguous pieces that make up the content, whatever the two have in common', async () => {
    const letters = fc.stringMatching(/^[ABCDEFxyz]{0,30}$/)
    const blockLength = fc.constantFrom(10, 37, 50, 100, 101, 1000)
    await fc.assert(
      fc.asyncProperty(letters, letters, blockLength, fc.nat(400), async (target, here, length, coalesceLength) => {
        const there = content(target)
        const near = content(here)
        const size = there.byteLength
        const signature = await sign(there, { blockLength: length })
        const found = await rangePlan(signature, bytesSource(near), { size, coalesceLength })
        expect(difference(assemblePlan(found, near, there), there)).toBeUndefined()
        let end: number | undefined
        for (const piece of found.pieces.filter(({ source }) => source === 'remote')) {
          if (end !== undefined) expect(piece.position - end).toBeGreaterThanOrEqual(Math.max(1, coalesceLength))
          end = piece.position + piece.length
        }
        const exact = await rangePlan(signature, bytesSource(near), { size, coalesceLength: 0 })
        expect(exact.remoteBytes).toBeLessThanOrEqual(found.remoteBytes)
      }),
      { numRuns: runs(60) },
    )
  })

  it.each([
    ['identical, like those of the local source', 1, () => 7],
    ['identical, and apart from each other in the local source', 100_000, () => 7],
    ['of the same weak sum', undefined, (i: number) => Math.imul(i, 0x9e3779b1)],
  ])('copes with 100,000 blocks that are all %s', async (_, pieces, strong) => {
    const blockCount = 100_000
    const one = await sign(new Uint8Array(16), { blockLength: 16 })
    const strongSums = new Uint8Array(blockCount * 32)
    const words = new Uint32Array(strongSums.buffer)
    for (let i = 0; i < blockCount; i++) {
      if (pieces === undefined) words[i * 8 + 7] = strong(i)
      else strongSums.set(one.strongSums, i * 32)
    }
    const weakSums = new Uint32Array(blockCount).fill(one.weakSums[0]!)
    const signature = new Signature({ blockLength: 16, strongLength: 32, weakSums, strongSums })
    const apart = pieces === blockCount
    const here = new Uint8Array(blockCount * (apart ? 17 : 16))
    if (apart) for (let i = 16; i < here.byteLength; i += 17) here[i] = 1
    const found = await rangePlan(signature, bytesSource(here), { size: blockCount * 16 })
    expect(found.pieces).toHaveLength(pieces ?? 1)
    expect(found.remoteBytes).toBe(pieces === undefined ? blockCount * 16 : 0)
  })

  it('fails with an IntegrityError if the local source delivers fewer or more bytes than its size says', async () => {
    const bytes = content('ABCz')
    const signature = await sign(bytes)
    const attempt = (source: ByteSource): Promise<unknown> =>
      soon(rejection(rangePlan(signature, source, { size: bytes.byteLength })), 'the plan')
    const short = sourceOf(301, () => chunked(bytes.subarray(0, 300), 100))
    expect(await attempt(short)).toMatchObject({ name: 'IntegrityError', expected: '301 bytes', actual: '300 bytes' })
    const long = sourceOf(336, () => chunked(bytes, 100))
    expect(await attempt(long)).toMatchObject({ name: 'IntegrityError', expected: '336 bytes', actual: '337 bytes' })

    let cancelled: unknown
    const endless = sourceOf(
      1000,
      () =>
        new ReadableStream<Uint8Array>({
          pull: (controller) => controller.enqueue(randomBytes(65536)),
          cancel: (reason) => void (cancelled = reason),
        }),
    )
    const error = await attempt(endless)
    expect(error).toMatchObject({ name: 'IntegrityError', expected: '1000 bytes' })
    expect(cancelled).toBe(error)
  })

  it("fails with the local source's own error, as the same object", async () => {
    const signature = await sign(content('A'))
    const reason = { why: 'unplugged' }
    const failing = sourceOf(
      100,
      () => new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(reason) }),
    )
    expect(await rejection(rangePlan(signature, failing, { size: 100 }))).toBe(reason)
    const throwing = sourceOf(100, () => {
      throw reason
    })
    expect(await rejection(rangePlan(signature, throwing, { size: 100 }))).toBe(reason)
  })

  it("immediately cancels a silent local source, with its signal's reason", async () => {
    let cancelled: unknown
    const silent = sourceOf(
      100,
      () =>
        new ReadableStream<Uint8Array>({
          pull: () => new Promise(() => undefined),
          cancel: (reason) => void (cancelled = reason),
        }),
    )
    const controller = new AbortController()
    const planning = rangePlan(await sign(content('A')), silent, { size: 100, signal: controller.signal })
    const failed = rejection(planning)
    expect(await pending(planning)).toBe(true)
    const reason = { why: 'enough' }
    controller.abort(reason)
    expect(await failed).toBe(reason)
    expect(cancelled).toBe(reason)
    expect(await rejection(plan('', '', { signal: controller.signal }))).toBe(reason)
  })

  it.each([
    [{ size: 200 }, 'RangeError'],
    [{ size: 301 }, 'RangeError'],
    [{ size: 0 }, 'RangeError'],
    [{ size: -1 }, 'RangeError'],
    [{ size: 250.5 }, 'TypeError'],
    [{ size: undefined as never }, 'TypeError'],
    [{ size: 201 }, undefined],
    [{ size: 300 }, undefined],
    [{ size: 300, coalesceLength: -1 }, 'RangeError'],
    [{ size: 300, coalesceLength: 0.5 }, 'TypeError'],
  ])('validates %o (expected error: %s)', async (options, name) => {
    const planning = rangePlan(await sign(content('ABC')), bytesSource(content('X')), options)
    if (name === undefined) expect(await planning).toMatchObject({ remoteBytes: options.size })
    else expect(await rejection(planning)).toMatchObject({ name })
  })

  it('rejects with a TypeError for anything but a signature or a source', async () => {
    const signature = await sign(content('A'))
    const source = bytesSource(content('A'))
    for (const wrong of [undefined, {}, Promise.resolve(signature)]) {
      const planning = rangePlan(wrong as unknown as Signature, source, { size: 100 })
      expect(await rejection(planning)).toMatchObject({ name: 'TypeError' })
    }
    for (const wrong of [undefined, {}, 'text', new ReadableStream()]) {
      const planning = rangePlan(signature, wrong as unknown as ByteSource, { size: 100 })
      expect(await rejection(planning)).toMatchObject({ name: 'TypeError' })
    }
  })
})

/** A source that claims to have `size` bytes, and whose streams come from `stream`. */
function sourceOf(size: number, stream: () => ReadableStream<Uint8Array>): ByteSource {
  const source: ByteSource = { size, slice: () => source, stream }
  return source
}
