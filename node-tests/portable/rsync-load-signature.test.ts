import { describe, expect, it } from 'vitest'
import { LoadSignatureJob, loadSignature, loadKernel, SignatureJob, SignatureSink } from '../../src/rsync.ts'
import { difference, hex, runJob, signatureOf } from '../support/jobs.ts'
import { CHUNK_SIZES, chunked, randomBytes, rejection, soon } from '../support/streams.ts'

const kernel = await loadKernel()
const bytes = runJob(new SignatureJob(kernel, { blockLength: 100, strongLength: 5 }), randomBytes(1950))
const BLOCKS = 20

describe('loadSignature', () => {
  it.each(CHUNK_SIZES)('loads a signature in chunks of %d', async (size) => {
    const signature = await loadSignature(chunked(bytes, size))
    expect(signature).toMatchObject({ blockLength: 100, strongLength: 5, blockCount: BLOCKS })
    const written = new Uint8Array(12 + BLOCKS * 9)
    written.set(bytes.subarray(0, 12))
    signature.weakSums.forEach((sum, i) => {
      new DataView(written.buffer).setUint32(12 + i * 9, sum)
      written.set(signature.strongSums.subarray(i * 5, i * 5 + 5), 16 + i * 9)
    })
    expect(difference(written, bytes)).toBeUndefined()
  })

  it('grows its arrays with the signature, and ends with none of them oversized', () => {
    const many = runJob(new SignatureJob(kernel, { blockLength: 1, strongLength: 1 }), randomBytes(5000))
    const signature = signatureOf(many)
    expect(signature.blockCount).toBe(5000)
    expect(signature.weakSums.buffer.byteLength).toBe(20_000)
    expect(signature.strongSums.buffer.byteLength).toBe(5000)
  })

  it('takes a strong length of 0 to mean the full strong sum, as librsync does', () => {
    expect(signatureOf(hex('727301470000010000000000')).strongLength).toBe(32)
    expect(signatureOf(hex('727301360000010000000000')).strongLength).toBe(16)
  })

  it.each([
    ['72730136', 'rollsum-md4'],
    ['72730137', 'rollsum-blake2b'],
    ['72730146', 'rabinkarp-md4'],
    ['72730147', 'rabinkarp-blake2b'],
  ])('recognizes the sums from the magic %s', (magic, sum) => {
    const signature = signatureOf(hex(`${magic} 00000100 00000008 01020304 1112131415161718`))
    expect(signature).toMatchObject({ sum, blockLength: 256, strongLength: 8, blockCount: 1 })
    expect(signature.weakSums).toEqual(Uint32Array.of(0x01020304))
  })

  it.each([
    ['magic', 0, '00000000'],
    ['magic', 0, '72730236 4500'],
    ['magic', 0, '3c68746d6c3e0d0a0d0a0d0a'],
    ['magic', 0, '72730126 00000100 00000010'],
    ['invalid', 8, '72730136 00000100 00000011'],
    ['invalid', 8, '72730146 00000100 00000020'],
    ['truncated', 4, '72730136'],
    ['truncated', 8, '72730137 00000100'],
    ['invalid', 4, '72730147 00000000 00000020'],
    ['invalid', 4, '72730147 80000000 00000020'],
    ['limit', 4, '72730147 01000001 00000020'],
    ['invalid', 8, '72730147 00000100 00000021'],
    ['invalid', 8, '72730147 00000100 ffffffff'],
    ['truncated', 0, ''],
    ['truncated', 3, '727301'],
    ['truncated', 11, '72730147 00000100 000000'],
  ])('fails with reason %s at %d for %s', async (reason, offset, digits) => {
    for (const size of [1, 5, Infinity]) {
      const error = await rejection(loadSignature(chunked(hex(digits), size)))
      expect(error).toMatchObject({ name: 'FormatError', reason, offset })
    }
  })

  it('detects truncation at every byte', () => {
    for (let length = 0; length < bytes.byteLength; length++) {
      if (length >= 12 && (length - 12) % 9 === 0) continue
      expect(() => signatureOf(bytes.subarray(0, length))).toThrow(
        expect.objectContaining({ reason: 'truncated', offset: length }),
      )
    }
  })

  it('accepts as many blocks, and as long ones, as the limits allow', async () => {
    await loadSignature(chunked(bytes, 50), { limits: { blockCount: BLOCKS, blockLength: 100 } })
    const tooMany = await rejection(loadSignature(chunked(bytes, 50), { limits: { blockCount: BLOCKS - 1 } }))
    expect(tooMany).toMatchObject({ reason: 'limit', offset: bytes.byteLength - 9 })
    const tooLarge = await rejection(loadSignature(chunked(bytes, 50), { limits: { blockLength: 99 } }))
    expect(tooLarge).toMatchObject({ reason: 'limit', offset: 4 })
    expect(() => new LoadSignatureJob({ limits: { blockLength: 0 } })).toThrow(RangeError)
    expect(await rejection(loadSignature(chunked(bytes, 50), { limits: { blockLength: -1 } }))).toBeInstanceOf(
      RangeError,
    )
    expect(() => new SignatureSink({ limits: { blockCount: 0.5 } })).toThrow(TypeError)
  })

  it('cancels the stream with the error that it rejects with', async () => {
    let cancelled: unknown
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(100)),
      cancel: (reason) => void (cancelled = reason),
    })
    const error = await rejection(loadSignature(endless))
    expect(error).toMatchObject({ reason: 'magic' })
    expect(cancelled).toBe(error)
  })

  it("fails with the stream's own error, or the signal's reason, as the same object", async () => {
    const failure = new Error('unplugged')
    const failing = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(failure) })
    expect(await rejection(loadSignature(failing))).toBe(failure)

    const controller = new AbortController()
    const silent = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => undefined) })
    const loading = loadSignature(silent, { signal: controller.signal })
    const reason = { why: 'enough' }
    controller.abort(reason)
    expect(await rejection(loading)).toBe(reason)
  })

  it('rejects a locked stream', async () => {
    const readable = chunked(bytes, 10)
    readable.getReader()
    expect(await rejection(loadSignature(readable))).toMatchObject({ name: 'TypeError' })
  })

  it('fails with a TypeError for chunks that are not bytes', async () => {
    const texts = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue('rs' as never) })
    expect(await rejection(loadSignature(texts))).toMatchObject({ name: 'TypeError' })
  })
})

describe('SignatureSink', () => {
  it('can be piped to', async () => {
    const sink = new SignatureSink()
    await chunked(bytes, 11).pipeTo(sink)
    expect((await soon(sink.signature, 'the signature')).blockCount).toBe(BLOCKS)
  })

  it('immediately rejects its signature with the abort reason, and never causes an unhandled rejection', async () => {
    const sink = new SignatureSink()
    const writer = sink.getWriter()
    await writer.write(bytes.subarray(0, 20))
    const reason = new Error('no more')
    await writer.abort(reason)
    expect(await rejection(sink.signature)).toBe(reason)
  })

  it('fails the write that contains the invalid bytes', async () => {
    const sink = new SignatureSink()
    const error = await rejection(sink.getWriter().write(new Uint8Array(4)))
    expect(error).toMatchObject({ reason: 'magic' })
    expect(await rejection(sink.signature)).toBe(error)
  })
})

describe('LoadSignatureJob', () => {
  it('keeps throwing the same error, and has no signature', () => {
    const job = new LoadSignatureJob()
    const errors = [1, 2].map(() => {
      try {
        job.iterate(new Uint8Array(4))
      } catch (error) {
        return error
      }
      throw new Error('did not throw')
    })
    expect(errors[1]).toBe(errors[0])
    expect(job.signature).toBeUndefined()
  })

  it('has its signature once it is done, and accepts no input after that', () => {
    const job = new LoadSignatureJob()
    job.iterate(bytes)
    expect(job.signature).toBeUndefined()
    job.end()
    expect(job.iterate(new Uint8Array(0))).toEqual({ state: 'done', read: 0, written: 0 })
    expect(job.signature?.blockCount).toBe(BLOCKS)
    expect(job.statistics).toMatchObject({ inputBytes: bytes.byteLength, outputBytes: 0 })
    expect(() => job.iterate(new Uint8Array(1))).toThrow(TypeError)
  })
})
