import { expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { tiered } from '../../src/backends/tiered.ts'
import { nextTask } from '../../src/bytes/promises.ts'
import { BackendError } from '../../src/errors.ts'
import type { Backend } from '../../src/store/backend.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { inspectStore } from '../support/inspect-store.ts'
import { randomBytes, rejection, soon } from '../support/streams.ts'

/** What happens to a put. */
type Fate = 'stored' | 'answer lost' | 'hangs'

/**
 * A server that has got the objects of puts whose client has failed or is gone, and stores them only when it is told to. `fates`
 * are those of the first puts; all others are stored.
 */
function slowServer(fates: readonly Fate[]): { backend: Backend; arrive(): Promise<void>; late(): number } {
  const { blocks, ...rest } = memoryBackend()
  const late: (() => Promise<void>)[] = []
  let puts = 0
  return {
    late: () => late.length,
    async arrive() {
      for (const put of late) await put()
    },
    backend: {
      ...rest,
      blocks: {
        ...blocks,
        isImmediate: false,
        putsMayArriveLate: true,
        put(name, bytes, { signal } = {}) {
          const fate = fates[puts++] ?? 'stored'
          if (fate === 'stored') return blocks.put(name, bytes)
          const own = bytes.slice()
          late.push(() => blocks.put(name, own))
          if (fate === 'answer lost')
            return Promise.reject(new BackendError('lost', { retryable: true, outcome: 'unknown' }))
          return new Promise((_, reject) => signal!.addEventListener('abort', () => reject(signal!.reason as Error)))
        },
      },
    },
  }
}

const CONTENT = randomBytes(70)

for (const isTiered of [false, true]) {
  it(`StreamStore has a collection delete what ${isTiered ? 'a tier' : 'a server'} stores after the upload was aborted`, async () => {
    const { backend: server, arrive, late } = slowServer(['stored', 'hangs', 'stored', 'hangs'])
    const backend = isTiered ? tiered(memoryBackend(), server) : server
    const store = new StreamStore(backend, { blockSize: 10, ...(isTiered && { temperature: 'cold' }) })
    const sink = store.sink()
    const stored = rejection(sink.stored)
    const writer = sink.getWriter()
    writer.closed.catch(() => undefined)
    await soon(writer.write(CONTENT), 'the write')
    while (late() < 2) await nextTask()
    await soon(writer.abort('stop'), 'abort')
    expect(await stored).toBe('stop')
    expect(await inspectStore(backend)).toMatchObject({ counts: { v: 1 }, objects: 0, late: 2, problems: [] })

    await arrive()
    // They are not strangers to a scrub.
    expect((await store.scrub()).orphans.count).toBe(0)
    expect((await store.collectGarbage()).waiting.objects).toBe(2)
    await store.collectGarbage({ graceMs: 0 })
    expect(await inspectStore(backend)).toMatchObject({ counts: { v: 1 }, objects: 0, late: 0, problems: [] })
  })
}

for (const fates of [
  ['answer lost'],
  ['stored', 'answer lost', 'answer lost'],
  ['stored', 'stored', 'stored', 'stored', 'stored', 'stored', 'answer lost'],
] as const) {
  it(`StreamStore has a collection delete what arrives after its put was repeated: ${fates.join(', ')}`, async () => {
    const { backend, arrive, late } = slowServer(fates)
    const store = new StreamStore(backend, { blockSize: 10 })
    const sink = store.sink({ reference: Uint8Array.of(1) })
    const writer = sink.getWriter()
    await soon(writer.write(CONTENT), 'the write')
    await soon(writer.close(), 'the end')
    const { size } = await sink.stored
    expect(size).toBe(70)
    await arrive()
    expect(await backend.blocks.list({ prefix: 'o.', limit: 100 })).toHaveLength(7 + late())
    expect(await inspectStore(backend)).toMatchObject({ objects: 7, late: late(), problems: [] })
    await store.collectGarbage({ graceMs: 0 })
    expect(await inspectStore(backend)).toMatchObject({ objects: 7, late: 0, problems: [] })
    expect((await inspectStore(backend)).counts).not.toHaveProperty('t')
  })
}
