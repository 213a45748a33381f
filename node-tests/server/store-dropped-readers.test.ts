import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { nextTask } from '../../src/bytes/promises.ts'
import { StreamStore } from '../../src/store.ts'
import { pattern, put, settle } from '../support/store-tools.ts'

const { Bun } = globalThis as { Bun?: { gc(force: boolean): void } }

function collector(): () => void {
  if (Bun) return () => Bun.gc(true)
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}

/** Rounds of the engine's garbage collection after which it must have found the garbage. */
const ROUNDS = 200

it('a stream that is dropped without being cancelled returns its bytes to the budget once it is garbage', async () => {
  const block = 100_000
  const store = new StreamStore(memoryBackend(), { blockSize: block, readAheadBytes: 3 * block })
  const { id } = await put(store, pattern(3 * block))
  const chunkOf = async (): Promise<number> => {
    const stream = (await store.open(id)).stream()
    return (await stream.getReader().read()).value!.byteLength
  }
  for (let i = 0; i < 3; i++) expect(await chunkOf()).toBe(block)
  expect(await chunkOf()).toBeLessThan(block)
  const collect = collector()
  let length = 0
  for (let round = 0; round < ROUNDS && length < block; round++) {
    collect()
    await nextTask()
    await settle()
    const reader = (await store.open(id)).stream().getReader()
    length = (await reader.read()).value!.byteLength
    await reader.cancel()
  }
  expect(length).toBe(block)
})
