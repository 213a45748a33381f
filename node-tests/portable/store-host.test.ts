import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { toHex } from '../../src/bytes/byte-text.ts'
import { type Backend, StreamStore } from '../../src/store.ts'
import { parseCandidate, parseReference, parseStream } from '../../src/store/rows/row-values.ts'
import { systemHost } from '../../src/store/host.ts'
import { RowKeys } from '../../src/store/rows/row-keys.ts'
import { faulty } from '../support/faulty-backend.ts'
import { pattern, put, text } from '../support/store-tools.ts'
import { VirtualHost } from '../support/virtual-host.ts'

const keys = new RowKeys('')
const NONE = new Uint8Array(0)

async function onlyRow(backend: Backend, prefix: Uint8Array): Promise<Uint8Array> {
  const rows = await backend.metadata.list({ prefix, limit: 10 })
  expect(rows).toHaveLength(1)
  return rows[0]!.value
}

/** Returns everything that a backend holds, as text. */
async function dump(backend: Backend): Promise<string[]> {
  const rows = await backend.metadata.list({ prefix: NONE, limit: 1000 })
  const objects = await backend.blocks.list({ prefix: '', limit: 1000 })
  return [...rows.map(({ key, value }) => `${toHex(key)} ${toHex(value)}`), ...objects.map(({ name }) => name)]
}

describe('the host of a store', () => {
  it('provides every time that the store writes', async () => {
    const backend = memoryBackend()
    const host = new VirtualHost({ now: 1_000 })
    const store = new StreamStore(backend, { blockSize: 1, leaseMs: 500, host })
    const sink = store.sink({ reference: text('r') })
    const writer = sink.getWriter()
    await writer.write(pattern(8))
    host.advance(10_000)
    await writer.close()
    const { id } = await sink.stored
    const record = parseStream(await onlyRow(backend, keys.stream(NONE)))
    expect(record).toMatchObject({ createdAt: 1_000, leaseUntil: 0 })
    const referenceKey = keys.reference(
      Uint8Array.from(id.match(/../g)!, (hex) => Number.parseInt(hex, 16)),
      'user',
      'inline',
      NONE,
    )
    expect(parseReference(await onlyRow(backend, referenceKey)).at).toBe(11_000)
    host.advance(5)
    await store.transaction((tx) => tx.unmarkAsUsed(id, text('r')))
    expect(parseCandidate(await onlyRow(backend, keys.candidate(NONE)))).toBe(11_005)
  })

  it('is the only source of differences between two runs of a store', async () => {
    const run = async (seed: number): Promise<string[]> => {
      const memory = memoryBackend()
      const host = new VirtualHost({ seed })
      const plan = (): 'busy' | 'lost' | 'delay' | undefined =>
        (['busy', 'lost', 'delay'] as const)[Math.floor(host.fraction() * 12)]
      const store = new StreamStore(faulty(memory, plan, host), { blockSize: 1, host })
      await Promise.allSettled(
        ['a', 'b', 'a'].map((letter, i) => put(store, text(letter.repeat(20 + i)), { reference: text(letter) })),
      )
      return [...(await dump(memory)), `${host.slept.count} sleeps, ${host.slept.totalMs} ms, until ${host.now()}`]
    }
    await run(1)
    const first = await run(5)
    // Two streams, each with its rows: something was stored.
    expect(first.length).toBeGreaterThan(5)
    expect(await run(5)).toEqual(first)
    expect(await run(14)).not.toEqual(first)
  })

  it('waits longer after each failed attempt of a commit, as often as the budget allows', async () => {
    const memory = memoryBackend()
    const host = new VirtualHost({ budget: { ...systemHost.budget, tries: 4 } })
    let commits = 0
    const plan = ({ operation }: { operation: string }): 'busy' | undefined =>
      operation === 'commit' && ++commits > 1 ? 'busy' : undefined
    const store = new StreamStore(faulty(memory, plan, host), { blockSize: 1, host })
    await expect(put(store, pattern(20))).rejects.toMatchObject({ name: 'BackendError', retryable: true })
    expect(host.slept.count).toBeGreaterThanOrEqual(3)
    expect(Math.abs(host.now() - 1_700_000_000_000 - host.slept.totalMs)).toBeLessThan(1)
  })

  it('uses the clock, random numbers and timers of the system by default', async () => {
    expect(Math.abs(systemHost.now() - Date.now())).toBeLessThan(60_000)
    // Overlaps would repeat eight bytes.
    const drawn = [7, 16, 8, 2000, ...Array.from({ length: 300 }, () => 24)].map((size) => systemHost.random(size))
    expect(drawn.map(({ byteLength }) => byteLength).slice(0, 4)).toEqual([7, 16, 8, 2000])
    const all = drawn.map(toHex).join('')
    const windows = new Set<string>()
    for (let i = 0; i + 16 <= all.length; i += 2) windows.add(all.slice(i, i + 16))
    expect(windows.size).toBe(all.length / 2 - 7)
    await systemHost.sleep(1)
    const reason = new Error('enough')
    await expect(systemHost.sleep(1e8, AbortSignal.abort(reason))).rejects.toBe(reason)
    const controller = new AbortController()
    const sleeping = systemHost.sleep(1e8, controller.signal)
    controller.abort(reason)
    await expect(sleeping).rejects.toBe(reason)
  })
})
