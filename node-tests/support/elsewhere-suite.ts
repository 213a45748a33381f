import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import type { BlockBackend } from '../../src/backends/tiered.ts'
import { collect } from '../../src/bytes/collect.ts'
import { LocalHive } from '../../src/hive.ts'
import { type Backend, StreamStore } from '../../src/store.ts'
import { pattern } from './store-tools.ts'
import { rejection } from './streams.ts'

/** A kind of backend whose blocks may be in another one. */
export interface ElsewhereBackend {
  /** A place where there is no hive yet. */
  newPlace(): string
  /** Opens the hive at a place, and creates it if there is none; `blocks` is undefined if they are with the rows. */
  open(place: string, blocks: BlockBackend | undefined): Promise<Backend>
  /** Undoes the note that the hive has claimed the place of its blocks. */
  forgetClaim(place: string): Promise<void>
  /** Whether that note is there. */
  hasClaimed(place: string): Promise<boolean>
}

/** Tests of a backend whose blocks are in another one. */
export function elsewhereSuite({ newPlace, open, forgetClaim, hasClaimed }: ElsewhereBackend): void {
  const namesIn = async ({ blocks }: BlockBackend): Promise<string[]> =>
    (await blocks.list({ prefix: '', limit: 9 })).map(({ name }) => name)
  const refusal = (reason: string): object => ({ name: 'FormatError', reason })
  const bytes = pattern(2_500_000)

  describe('with its blocks in another backend', () => {
    it('keeps an entry there, and reads it when it is opened again', async () => {
      const place = newPlace()
      const elsewhere = memoryBackend()
      const store = new StreamStore(await open(place, keptOpen(elsewhere)))
      await new Blob([bytes]).stream().pipeTo(new LocalHive(store).sink('bee'))
      await store.close()
      expect(await namesIn(elsewhere)).toHaveLength(4)

      const again = new StreamStore(await open(place, keptOpen(elsewhere)))
      const entry = await new LocalHive(again).open('bee')
      expect(await collect(entry.stream())).toEqual(bytes)
      await again.close()
    })

    it('has the limits of that backend, and closes it', async () => {
      let closed = 0
      const backend = await open(newPlace(), {
        ...memoryBackend(),
        limits: { blockBytes: 1000 },
        close: async () => void closed++,
      })
      expect(backend.limits).toEqual({ blockBytes: 1000 })
      await backend.close()
      expect(closed).toBe(1)
    })

    it('takes no place of another hive, and leaves what is there', async () => {
      const elsewhere = memoryBackend()
      const place = newPlace()
      await open(place, elsewhere)
      await elsewhere.blocks.put('o.00', bytes)
      const names = await namesIn(elsewhere)
      expect(names).toEqual([expect.stringMatching(/^combstream\.[0-9a-f]{32}$/), 'o.00'])
      const mistyped = newPlace()
      for (const _ of [1, 2]) {
        expect(await rejection(open(mistyped, elsewhere))).toMatchObject(refusal('magic'))
      }
      expect(await namesIn(elsewhere)).toEqual(names)
      await open(place, elsewhere)

      const used = memoryBackend()
      await used.blocks.put('o.00', bytes)
      expect(await rejection(open(mistyped, used))).toMatchObject(refusal('magic'))
      expect(await namesIn(used)).toEqual(['o.00'])
      await open(mistyped, memoryBackend())
    })

    it('is not opened with a place that is not its own', async () => {
      const place = newPlace()
      await open(place, memoryBackend())
      const wrong = memoryBackend()
      expect(await rejection(open(place, wrong))).toMatchObject(refusal('truncated'))
      expect(await namesIn(wrong)).toEqual([])
    })

    it('is not opened without them, and a hive that has its own blocks not with others', async () => {
      const [one, two] = [newPlace(), newPlace()]
      await open(one, memoryBackend())
      await open(two, undefined)
      expect(await rejection(open(one, undefined))).toMatchObject(refusal('unsupported'))
      const other = memoryBackend()
      expect(await rejection(open(two, other))).toMatchObject(refusal('unsupported'))
      expect(await namesIn(other)).toEqual([])
    })

    it('claims its place once, however many create it, and also after one that did not finish', async () => {
      const place = newPlace()
      const elsewhere = memoryBackend()
      await Promise.all([1, 2, 3].map(() => open(place, elsewhere)))
      const names = await namesIn(elsewhere)
      expect(names).toHaveLength(1)
      await forgetClaim(place)
      await open(place, elsewhere)
      expect(await hasClaimed(place)).toBe(true)
      await forgetClaim(place)
      const other = memoryBackend()
      await open(place, other)
      expect(await namesIn(other)).toEqual(names)
    })

    it('keeps its place when another hive, which saw it empty, has left a claim there', async () => {
      const elsewhere = memoryBackend()
      let release: () => void = () => undefined
      const released = new Promise<void>((resolve) => (release = resolve))
      let reached: () => void = () => undefined
      const putting = new Promise<void>((resolve) => (reached = resolve))
      const slow: BlockBackend = {
        blocks: {
          put: async (...put) => {
            reached()
            await released
            return elsewhere.blocks.put(...put)
          },
          get: (...get) => elsewhere.blocks.get(...get),
          size: (name) => elsewhere.blocks.size(name),
          delete: (name) => elsewhere.blocks.delete(name),
          list: (query) => elsewhere.blocks.list(query),
        },
        close: () => Promise.resolve(),
      }
      const [place, late] = [newPlace(), newPlace()]
      const refused = rejection(open(late, slow))
      await putting
      await open(place, elsewhere)
      release()
      expect(await refused).toMatchObject(refusal('magic'))
      expect(await namesIn(elsewhere)).toHaveLength(2)
      await open(place, elsewhere)
      expect(await rejection(open(late, elsewhere))).toMatchObject(refusal('magic'))
    })

    it('finds the claim of another hive in an engine whose lists are short', async () => {
      const { blocks, close } = memoryBackend()
      const short: BlockBackend = {
        blocks: { ...blocks, list: (options) => blocks.list({ ...options, limit: 1 }) },
        close,
      }
      const place = newPlace()
      await open(place, short)
      // It comes after any other.
      await blocks.put(`combstream.${'f'.repeat(32)}`, bytes)
      await forgetClaim(place)
      expect(await rejection(open(place, short))).toMatchObject(refusal('magic'))
    })

    it('keeps its claim when the hive is checked, repaired and collected', async () => {
      const elsewhere = memoryBackend()
      const store = new StreamStore(await open(newPlace(), elsewhere))
      await store.scrub({ repair: true, force: true, graceMs: 0 })
      await store.collectGarbage({ graceMs: 0 })
      expect(await namesIn(elsewhere)).toHaveLength(1)
    })
  })
}

/** The same backend, which stays open when it is closed, as an object store does. */
function keptOpen(backend: Backend): BlockBackend {
  return { blocks: backend.blocks, close: () => Promise.resolve() }
}
