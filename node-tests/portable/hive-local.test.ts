import { expect, it } from 'vitest'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { collect } from '../../src/bytes/collect.ts'
import { memoryBackend } from '../../src/backends/memory.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { hiveSuite } from '../support/hive-suite.ts'
import { randomBytes, rejection } from '../support/streams.ts'

hiveSuite('LocalHive on the memory backend', () => {
  const hive = new LocalHive(new StreamStore(memoryBackend(), { blockSize: 1_000 }))
  return Promise.resolve({ hive, other: hive })
})

it('LocalHive bounds what an entry may become, also by a delta', async () => {
  const hive = new LocalHive(new StreamStore(memoryBackend(), { blockSize: 1_000 }), { maxEntrySize: 5_000 })
  await bytesSource(randomBytes(5_000)).stream().pipeTo(hive.sink('x'))
  const tooLarge = bytesSource(randomBytes(5_001)).stream().pipeTo(hive.sink('y'))
  expect(await rejection(tooLarge)).toMatchObject({ name: 'QuotaExceededError', limit: 5_000 })

  // Two copies of the whole basis in ten bytes.
  const delta = Uint8Array.of(0x72, 0x73, 0x02, 0x36, 0x46, 0, 0x13, 0x88, 0x46, 0, 0x13, 0x88, 0)
  const bomb = bytesSource(delta).stream().pipeTo(hive.patchSink('x'))
  expect(await rejection(bomb)).toMatchObject({ name: 'FormatError', reason: 'limit' })
  expect((await hive.list()).map(({ alias, size }) => [alias, size])).toEqual([['x', 5_000]])
  expect(await collect((await hive.open('x')).stream())).toEqual(randomBytes(5_000))
  expect(() => new LocalHive(new StreamStore(memoryBackend()), { maxEntrySize: -1 })).toThrow(RangeError)
})
