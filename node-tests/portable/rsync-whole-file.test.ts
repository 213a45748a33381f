import { describe, expect, it } from 'vitest'
import { type ByteSource, bytesSource } from '../../src/bytes/byte-source.ts'
import { collect } from '../../src/bytes/collect.ts'
import { applyDelta, loadSignature, makeDelta, makeSignature, rangePlan, rebuild } from '../../src/rsync.ts'
import { difference, hex } from '../support/jobs.ts'
import { assemble } from '../support/pieces.ts'
import { chunked, pending, rejection } from '../support/streams.ts'
import { RDIFF_VECTORS } from '../support/vectors/rdiff.ts'

describe.each(RDIFF_VECTORS)("rdiff's files for $name", ({ blockLength, strongLength, ...vector }) => {
  it('are produced and accepted by the whole-file functions, as bytes, Blobs and streams', async () => {
    const basis = assemble(vector.basis)
    const edited = assemble(vector.edited, basis)
    const signature = Uint8Array.from(atob(vector.signature), (character) => character.charCodeAt(0))
    const delta = Uint8Array.from(atob(vector.delta), (character) => character.charCodeAt(0))
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', edited))
    const expected = { size: edited.byteLength, digest }
    const sources: ((bytes: Uint8Array<ArrayBuffer>) => Uint8Array | ArrayBuffer | ByteSource)[] = [
      (bytes) => bytes,
      (bytes) => bytes.slice().buffer,
      (bytes) => new Blob([bytes]),
      (bytes) => bytesSource(bytes),
    ]
    const streams = [
      (bytes: Uint8Array<ArrayBuffer>) => chunked(bytes, 1000),
      (bytes: Uint8Array<ArrayBuffer>) => new Blob([bytes]).stream(),
    ]
    // The lengths are chosen by size, which a stream does not have.
    const chosen = await loadSignature(signature)
    for (const once of [...sources, ...streams]) {
      const isStream = 'getReader' in once(basis)
      const lengths = {
        blockLength: isStream ? chosen.blockLength : blockLength,
        strongLength: isStream ? chosen.strongLength : strongLength,
      }
      expect(difference(await makeSignature(once(basis), lengths), signature)).toBeUndefined()
      expect(difference(await makeDelta(once(signature), once(edited)), delta)).toBeUndefined()
      const loaded = await loadSignature(once(signature))
      expect(difference(await makeDelta(loaded, once(edited)), delta)).toBeUndefined()
      for (const basisOf of sources) {
        expect(difference(await applyDelta(basisOf(basis), once(delta), { expected }), edited)).toBeUndefined()
        const plan = await rangePlan(once(signature), basisOf(edited), { size: basis.byteLength })
        expect(difference(await collect(rebuild(plan, basisOf(edited), basisOf(basis))), basis)).toBeUndefined()
      }
    }
  })
})

const SILENT: ByteSource = { size: 10, slice: () => SILENT, stream: () => new ReadableStream<Uint8Array>() }
const NO_SIGNATURE_BLOCKS = hex('72730147 00000100 00000020')
const FUNCTIONS: [string, (source: ByteSource, options?: { signal: AbortSignal }) => Promise<Uint8Array>][] = [
  ['makeSignature', makeSignature],
  ['makeDelta', (source, options) => makeDelta(NO_SIGNATURE_BLOCKS, source, options)],
  ['applyDelta', (source, options) => applyDelta(new Uint8Array(5), source, options)],
  ['applyDelta to a basis', (source, options) => applyDelta(source, hex('72730236 450001 00'), options)],
]

describe.each(FUNCTIONS)('%s', (_, run) => {
  it("immediately aborts with its signal's reason, and releases its source", async () => {
    const controller = new AbortController()
    const reason = { why: 'enough' }
    let cancelled: (reason: unknown) => void
    const cancel = new Promise<unknown>((resolve) => (cancelled = resolve))
    const source: ByteSource = {
      size: 10,
      slice: () => source,
      stream: () => new ReadableStream({ cancel: cancelled }),
    }
    const result = run(source, { signal: controller.signal })
    expect(await pending(result)).toBe(true)
    controller.abort(reason)
    expect(await rejection(result)).toBe(reason)
    expect(await cancel).toBe(reason)
    expect(await rejection(run(SILENT, { signal: controller.signal }))).toBe(reason)
  })

  it("fails with its source's own error, and with a TypeError for anything but a source", async () => {
    const unplugged = new Error('unplugged')
    const failing: ByteSource = {
      size: 10,
      slice: () => failing,
      stream: () => new ReadableStream({ pull: (controller) => controller.error(unplugged) }),
    }
    expect(await rejection(run(failing))).toBe(unplugged)
    expect(await rejection(run('text' as never))).toBeInstanceOf(TypeError)
    expect(await rejection(run(undefined as never))).toBeInstanceOf(TypeError)
  })
})

describe('makeDelta and rangePlan', () => {
  it('apply the limits to a signature that is not loaded yet', async () => {
    const options = { limits: { blockLength: 255 } }
    expect(await rejection(makeDelta(NO_SIGNATURE_BLOCKS, new Blob([]), options))).toMatchObject({ reason: 'limit' })
    expect(await rejection(makeDelta(hex('3c68'), new Blob([])))).toMatchObject({ reason: 'truncated' })
    expect(await rejection(makeDelta(new Blob([]), new Blob([])))).toMatchObject({ reason: 'truncated' })
    const size = { size: 0, limits: { blockLength: 255 } }
    expect(await rejection(rangePlan(NO_SIGNATURE_BLOCKS, new Blob([]), size))).toMatchObject({ reason: 'limit' })
    expect(await rejection(makeDelta({} as never, new Blob([])))).toBeInstanceOf(TypeError)
  })
})

describe('applyDelta', () => {
  const huge: ByteSource = { size: 2 ** 40, slice: () => huge, stream: () => new ReadableStream() }

  it('produces at most 1 GiB, unless allowed more', async () => {
    const exactly = hex('72730236 4f 00000000 40000000')
    const more = hex('72730236 4f 00000000 40000001')
    expect(await rejection(applyDelta(huge, more))).toMatchObject({ name: 'FormatError', reason: 'limit', offset: 9 })
    expect(await rejection(applyDelta(huge, more, { maxOutputLength: undefined }))).toMatchObject({ reason: 'limit' })
    for (const [delta, options] of [
      [exactly, {}],
      [more, { maxOutputLength: Infinity }],
    ] as const) {
      const controller = new AbortController()
      const result = applyDelta(huge, delta, { ...options, signal: controller.signal })
      expect(await pending(result)).toBe(true)
      controller.abort('enough')
      expect(await rejection(result)).toBe('enough')
    }
  })

  it('returns nothing if the result is not the expected one', async () => {
    const delta = hex('72730236 450001 00')
    const expected = { digest: new Uint8Array(32) }
    expect(await rejection(applyDelta(new Uint8Array(5), delta, { expected }))).toMatchObject({
      name: 'IntegrityError',
      expected: '00'.repeat(32),
    })
    expect((await applyDelta(new Uint8Array(5), hex('72730236 00 00'), { trailingBytes: 'ignore' })).byteLength).toBe(0)
  })
})
