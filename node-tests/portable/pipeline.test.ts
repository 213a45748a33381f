import { expect, it } from 'vitest'
import { LocalHive, StreamStore } from 'combstream'
import { memoryBackend } from 'combstream/backends/memory'
import { pipeline } from '../../examples/pipeline/pipeline.ts'
import { collect } from '../../src/bytes/collect.ts'
import { randomBytes } from '../support/streams.ts'

it('runs the pipeline of the README as it is written', async () => {
  const bytes = randomBytes(2_345_678)
  const file = new Blob([bytes])
  const edited = new Blob([bytes.subarray(0, 500_000), 'an insertion', bytes.subarray(500_000)])
  const chunks: Uint8Array<ArrayBuffer>[] = []
  const player = new WritableStream<Uint8Array>({ write: (chunk) => void chunks.push(new Uint8Array(chunk)) })
  const backend = memoryBackend()

  await pipeline({ backend, file, edited, player })

  expect(await collect(new Blob(chunks).stream())).toEqual(bytes.slice(1_000_000))
  const entry = await new LocalHive(new StreamStore(backend)).open('bunny.mp4')
  expect(await collect(entry.stream())).toEqual(bytes)
})
