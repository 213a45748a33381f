import { expect, it } from 'vitest'
import { reporting } from '../../examples/player/reporting-sink.js'
import { rejection } from '../support/streams.ts'

const BYTES = new Uint8Array(1_000)

it('reports the share of the bytes that the sink has taken', async () => {
  const shares: number[] = []
  const writer = reporting(new WritableStream(), 2_000, (share) => shares.push(share)).getWriter()
  for (let i = 0; i < 2; i++) await writer.write(BYTES)
  await writer.close()
  expect(shares).toEqual([0.5, 1])
})

it('fails in closing with what has made the sink fail, also after its last write', async () => {
  const failure = new DOMException('no space', 'QuotaExceededError')
  const inClose = new WritableStream({ close: () => Promise.reject(failure) })
  let controller!: WritableStreamDefaultController
  const before = new WritableStream({ start: (given) => void (controller = given) })
  for (const sink of [inClose, before]) {
    const writer = reporting(sink, 1_000, () => undefined).getWriter()
    await writer.write(BYTES)
    if (sink === before) controller.error(failure)
    expect(await rejection(writer.close())).toBe(failure)
  }
})
