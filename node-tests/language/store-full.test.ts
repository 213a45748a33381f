import { expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { nextTask } from '../../src/bytes/promises.ts'
import { QuotaExceededError } from '../../src/errors.ts'
import type { Backend } from '../../src/store/backend.ts'
import { parsePage } from '../../src/store/rows/row-values.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { inspectStore } from '../support/inspect-store.ts'
import { randomBytes, rejection, soon } from '../support/streams.ts'

/** Makes a disk on which objects and rows share the space. Once it is full, neither can be written. */
function smallDisk(capacity: number): { backend: Backend; used(): number; capacity: number } {
  const { metadata, blocks, ...rest } = memoryBackend()
  const sizes = new Map<string, number>()
  const used = (): number => [...sizes.values()].reduce((sum, size) => sum + size, 0)
  const disk = { used, capacity, backend: {} as Backend }
  const assertRoom = (byteLength: number): void => {
    if (used() + byteLength > disk.capacity) throw new QuotaExceededError('the disk is full')
  }
  disk.backend = {
    ...rest,
    metadata: {
      get: (...call) => metadata.get(...call),
      list: (...call) => metadata.list(...call),
      async commit(...call) {
        assertRoom(500)
        return metadata.commit(...call)
      },
    },
    blocks: {
      get: (...call) => blocks.get(...call),
      size: (...call) => blocks.size(...call),
      list: (...call) => blocks.list(...call),
      async put(name, bytes, options) {
        assertRoom(bytes.byteLength)
        await blocks.put(name, bytes, options)
        sizes.set(name, bytes.byteLength)
      },
      async delete(name, options) {
        await blocks.delete(name, options)
        sizes.delete(name)
      },
    },
  }
  return disk
}

for (const capacity of [3_000, 9_400, 12_000, 12_499, 12_500, 20_900]) {
  it(`StreamStore frees the space of an upload that fails on a full disk of ${capacity} bytes`, async () => {
    const disk = smallDisk(capacity)
    const store = new StreamStore(disk.backend, { blockSize: 1_000 })
    const failed = bytesSource(randomBytes(30_000)).stream().pipeTo(store.sink())
    expect(await rejection(failed)).toMatchObject({ name: 'QuotaExceededError' })
    expect(disk.used()).toBe(0)
    expect(await disk.backend.blocks.list({ prefix: '', limit: 10 })).toEqual([])

    const sink = store.sink({ reference: Uint8Array.of(1) })
    await bytesSource(randomBytes(100)).stream().pipeTo(sink)
    expect((await sink.stored).size).toBe(100)
  })
}

it('StreamStore leaves nothing behind of an upload that is aborted when other writers have filled the disk', async () => {
  const disk = smallDisk(100_000)
  const store = new StreamStore(disk.backend, { blockSize: 1_000 })
  const writer = store.sink().getWriter()
  writer.closed.catch(() => undefined)
  await soon(writer.write(randomBytes(30_000)), 'the write')
  disk.capacity = disk.used()
  await soon(writer.abort('stop'), 'abort')
  expect(disk.used()).toBe(0)
})

it('StreamStore frees the space of an upload that is aborted on a full disk, although pages name all of its blocks', async () => {
  const disk = smallDisk(100_000)
  const store = new StreamStore(disk.backend, { blockSize: 1_000 })
  const sink = store.sink()
  const stored = rejection(sink.stored)
  const writer = sink.getWriter()
  writer.closed.catch(() => undefined)
  // A first group of four, and three of eight.
  await soon(writer.write(randomBytes(28_000)), 'the write')
  while ((await entriesOf(disk.backend)) < 28) await nextTask()
  disk.capacity = disk.used()
  await soon(writer.abort('stop'), 'abort')
  expect(await stored).toBe('stop')
  expect(disk.used()).toBe(0)
  expect((await inspectStore(disk.backend)).counts).toEqual({ v: 1 })
})

/** Number of the blocks in all pages. */
async function entriesOf({ metadata }: Backend): Promise<number> {
  const pages = await metadata.list({ prefix: new TextEncoder().encode('/m/'), limit: 10 })
  return pages.reduce((sum, { value }) => sum + parsePage(value).entries.length, 0)
}
