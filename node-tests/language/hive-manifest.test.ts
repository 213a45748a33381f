import { expect, it } from 'vitest'
import { byteStream } from '../../src/bytes/byte-stream.ts'
import { computeManifest } from '../../src/hive/compute-manifest.ts'
import type { EntryInfo } from '../../src/hive/hive.ts'

const BLOCK = 1_000_000

it('computeManifest gives a bounded number of digests at a time, and says where to go on', async () => {
  const size = 65 * BLOCK
  const info: EntryInfo = { alias: 'x', size, etag: '"e"', type: 'a/b', modified: new Date(0) }
  let read = 0
  const source = {
    info,
    read({ start, end }: { start: number; end: number }) {
      let left = end - start
      read += left
      return byteStream({
        next: () => (left > 0 ? new Uint8Array(Math.min(BLOCK, left, (left -= BLOCK) + BLOCK)) : undefined),
        cancel: () => undefined,
      })
    },
  }
  const reading = { bufferSize: BLOCK, signals: [] }
  const first = await computeManifest(source, { start: 0, end: size }, reading)
  expect(first.digests).toHaveLength(64)
  expect(first.next).toBe(64 * BLOCK)
  expect(read).toBe(64 * BLOCK)
  const rest = await computeManifest(source, { start: first.next!, end: size }, reading)
  expect(rest).toMatchObject({ start: 64 * BLOCK, digests: [first.digests[0]] })
  expect(rest).not.toHaveProperty('next')
})
