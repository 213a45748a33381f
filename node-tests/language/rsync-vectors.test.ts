import { describe, expect, it } from 'vitest'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { collect } from '../../src/bytes/collect.ts'
import { DeltaJob, DeltaStream, loadSignature, loadKernel, PatchJob } from '../../src/rsync.ts'
import { PatchStream, SignatureJob, SignatureStream } from '../../src/rsync.ts'
import { difference, runJob, signatureOf } from '../support/jobs.ts'
import { assemble } from '../support/pieces.ts'
import { sample } from '../support/sample.ts'
import { CHUNK_SIZES, chunked } from '../support/streams.ts'
import { RDIFF_VECTORS } from '../support/vectors/rdiff.ts'

const kernel = await loadKernel()

describe.each(RDIFF_VECTORS)("rdiff's files for $name", (vector) => {
  const { blockLength, strongLength } = vector
  const basis = assemble(vector.basis)
  const edited = assemble(vector.edited, basis)
  const options = { blockLength, strongLength, sourceLength: basis.byteLength }
  const signature = fromBase64(vector.signature)
  const delta = fromBase64(vector.delta)

  it.each(sample(CHUNK_SIZES))('are produced and accepted by the jobs, %d bytes at a time', (size) => {
    const cut = { inputBytes: size, outputBytes: Math.min(size, 4096) }
    expect(difference(runJob(new SignatureJob(kernel, options), basis, cut), signature), 'signature').toBeUndefined()
    const loaded = signatureOf(signature, size)
    expect(difference(runJob(new DeltaJob(loaded, kernel), edited, cut), delta), 'delta').toBeUndefined()
    expect(
      difference(runJob(new PatchJob(basis.byteLength), delta, { ...cut, basis }), edited),
      'edited',
    ).toBeUndefined()
  })

  it.each(sample(CHUNK_SIZES.filter((size) => size >= 7)))(
    'are produced and accepted by the streams, in chunks of %d',
    async (size) => {
      const signed = chunked(basis, size).pipeThrough(new SignatureStream(options))
      expect(difference(await collect(signed), signature), 'signature').toBeUndefined()
      const loaded = await loadSignature(chunked(signature, size))
      const compared = chunked(edited, size).pipeThrough(new DeltaStream(loaded))
      expect(difference(await collect(compared), delta), 'delta').toBeUndefined()
      const patched = chunked(delta, size).pipeThrough(new PatchStream(bytesSource(basis)))
      expect(difference(await collect(patched), edited), 'edited').toBeUndefined()
    },
  )
})

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
}
