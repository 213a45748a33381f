import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { tiered } from '../../src/backends/tiered.ts'
import { collect } from '../../src/bytes/collect.ts'
import { type Backend, BackendError, type BackendLimits, type BlockHints, StreamStore } from '../../src/store.ts'
import { backendCases } from '../../src/testing.ts'
import { inspectStore } from '../support/inspect-store.ts'
import { runs } from '../support/sample.ts'
import { pattern, put, text } from '../support/store-tools.ts'
import { VirtualHost } from '../support/virtual-host.ts'

/** A backend that puts every other block on the cold tier, and whose tiers list at most two objects at a time. */
function mixed(): Backend {
  const backend = tiered(thrifty(memoryBackend()), thrifty(memoryBackend()))
  let puts = 0
  return {
    ...backend,
    blocks: {
      ...backend.blocks,
      put(name, bytes, options) {
        const hints: BlockHints = { temperature: puts++ % 2 === 0 ? 'cold' : 'hot' }
        return backend.blocks.put(name, bytes, { ...options, hints })
      },
    },
  }
}

function thrifty(backend: Backend): Backend {
  const list: Backend['blocks']['list'] = (options) =>
    backend.blocks.list({ ...options, limit: Math.min(2, options.limit) })
  return { ...backend, blocks: { ...backend.blocks, list } }
}

async function namesIn({ blocks }: Pick<Backend, 'blocks'>): Promise<string[]> {
  return (await blocks.list({ prefix: '', limit: 1000 })).map(({ name }) => name)
}

describe.each([
  ['hot blocks only', () => tiered(memoryBackend(), memoryBackend())],
  ['blocks on both', mixed],
])('tiered, with %s', (_, make) => {
  it.each(backendCases(make))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })
})

describe('tiered', () => {
  it.each([
    ['its sink', {}, { temperature: 'cold' }],
    ['its store', { temperature: 'cold' }, {}],
  ] as const)(
    'puts the blocks of a stream that %s marks as cold on the cold backend, and only these',
    async (_, store, sink) => {
      const [hot, cold] = [memoryBackend(), memoryBackend()]
      const backend = tiered(hot, cold)
      const bytes = pattern(1000)
      const stored = await put(new StreamStore(backend, { blockSize: 64, ...store }), bytes, {
        ...sink,
        reference: text('a'),
      })
      expect(await namesIn(hot)).toEqual([])
      expect(await namesIn(cold)).toHaveLength(16)
      expect(await collect(stored.stream())).toEqual(bytes)

      await put(new StreamStore(backend, { blockSize: 64 }), pattern(500), { reference: text('b') })
      expect(await namesIn(hot)).toHaveLength(8)
      expect(await namesIn(cold)).toHaveLength(16)
      expect((await inspectStore(backend)).problems).toEqual([])
    },
  )

  it('lets a sink be hot although its store is cold', async () => {
    const [hot, cold] = [memoryBackend(), memoryBackend()]
    await put(new StreamStore(tiered(hot, cold), { temperature: 'cold', blockSize: 9 }), pattern(9), {
      temperature: 'hot',
    })
    expect([await namesIn(hot), await namesIn(cold)]).toMatchObject([{ length: 1 }, { length: 0 }])
  })

  it('lists every block once and in order, however short the pages of its backends are', async () => {
    const anyNames = fc.uniqueArray(fc.integer({ min: 10, max: 99 }), { maxLength: 12 })
    const property = fc.asyncProperty(
      anyNames,
      fc.func(fc.boolean()),
      fc.integer({ min: 1, max: 7 }),
      async (numbers, isCold, limit) => {
        const backend = tiered(thrifty(memoryBackend()), thrifty(memoryBackend()))
        const names = numbers.map((number) => `o.${number}`)
        for (const name of names) {
          const hints: BlockHints = { temperature: isCold(name) ? 'cold' : 'hot' }
          await backend.blocks.put(name, new Uint8Array(1), { hints })
        }
        const listed: string[] = []
        for (let after: string | undefined; ; after = listed.at(-1)) {
          const page = await backend.blocks.list({ prefix: 'o.', after, limit })
          if (page.length === 0) break
          expect(page.length).toBeLessThanOrEqual(limit)
          listed.push(...page.map(({ name }) => name))
        }
        expect(listed).toEqual(names.toSorted())
      },
    )
    await fc.assert(property, { numRuns: runs(50) })
  })

  it('collects garbage and scrubs on both', async () => {
    const [hot, cold] = [memoryBackend(), memoryBackend()]
    const store = new StreamStore(tiered(hot, cold), { blockSize: 10, leaseMs: 0, host: new VirtualHost() })
    for (const temperature of ['hot', 'cold'] as const) {
      const { id } = await put(store, pattern(temperature.length * 25), { reference: text('a'), temperature })
      await store.transaction((tx) => tx.unmarkAsUsed(id, text('a')))
    }
    await put(store, pattern(30), { reference: text('b'), temperature: 'cold' })
    expect((await store.scrub()).damaged.streams).toBe(0)
    for (let i = 0; i < 2; i++) await store.collectGarbage({ graceMs: 0 })
    expect([await namesIn(hot), await namesIn(cold)]).toMatchObject([{ length: 0 }, { length: 3 }])
  })

  it('has the limits of both, and the hash of the hot backend', () => {
    const limited = (limits: BackendLimits): Backend => ({ ...memoryBackend(), limits })
    const hot = { keyBytes: 2000, valueBytes: 50_000, blockBytes: 5000 }
    expect(tiered(limited(hot), limited({ keyBytes: 1, valueBytes: 1, blockBytes: 4000 })).limits).toEqual({
      ...hot,
      blockBytes: 4000,
    })
    expect(tiered(limited(hot), memoryBackend()).limits).toEqual(hot)
    expect(tiered(memoryBackend(), limited({ blockBytes: 7 })).limits).toEqual({ blockBytes: 7 })
    expect(tiered(memoryBackend(), memoryBackend()).createHash).toBeUndefined()
    const hash = { update: () => undefined, digest: () => new Uint8Array(32) }
    expect(tiered({ ...memoryBackend(), createHash: () => hash }, memoryBackend()).createHash!()).toBe(hash)
  })

  it('closes both backends, even if one fails', async () => {
    const closed: string[] = []
    const closing = (name: string, error?: Error): Backend => ({
      ...memoryBackend(),
      close() {
        closed.push(name)
        return error ? Promise.reject(error) : Promise.resolve()
      },
    })
    const error = new BackendError('the disk is gone', { retryable: false })
    await expect(tiered(closing('hot', error), closing('cold')).close()).rejects.toBe(error)
    await expect(tiered(closing('hot'), closing('cold', error)).close()).rejects.toBe(error)
    await tiered(closing('hot'), closing('cold')).close()
    expect(closed).toEqual(['hot', 'cold', 'hot', 'cold', 'hot', 'cold'])
  })

  it('fails a read if one of the backends fails, and does not report the block as missing', async () => {
    const failing = memoryBackend()
    const error = new BackendError('the disk is gone', { retryable: false })
    const broken: Backend = {
      ...failing,
      blocks: { ...failing.blocks, get: () => Promise.reject(error), size: () => Promise.reject(error) },
    }
    for (const backend of [tiered(broken, memoryBackend()), tiered(memoryBackend(), broken)]) {
      await expect(backend.blocks.get('o.00')).rejects.toBe(error)
      await expect(backend.blocks.size('o.00')).rejects.toBe(error)
    }
  })
})

describe('the temperature of a store or sink', () => {
  it('is checked', () => {
    const warm = { temperature: 'warm' as 'hot' }
    expect(() => new StreamStore(memoryBackend(), warm)).toThrow(TypeError)
    expect(() => new StreamStore(memoryBackend()).sink(warm)).toThrow(TypeError)
  })
})
