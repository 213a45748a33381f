import { describe, expect, it } from 'vitest'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { fromHex } from '../../src/bytes/byte-text.ts'
import { collect } from '../../src/bytes/collect.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { type Backend, StreamStore } from '../../src/store.ts'
import { PAGE_ENTRIES, parsePage, parseStream } from '../../src/store/rows/row-values.ts'
import { RowKeys } from '../../src/store/rows/row-keys.ts'
import { collectHastily } from './hasty-collector.ts'
import { inspectStore } from './inspect-store.ts'
import { sample } from './sample.ts'
import { markAsDamaged, pattern, put, text } from './store-tools.ts'
import { rejection } from './streams.ts'

/** Returns the harmed bytes of an object, or undefined to lose it. */
export type Harm = (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer> | undefined

/** A backend, and a function that harms its objects. */
export interface Fragile {
  readonly backend: Backend
  harm(object: string, harm: Harm): Promise<unknown>
}

/** A stream to harm. */
export interface HarmedStream {
  readonly blocks: number
  /** The blocks to harm, one after the other. Each harm hits the object with which the previous one was healed. */
  readonly harmed: readonly number[]
  /**
   * The kinds of harm.
   * @default all kinds
   */
  readonly harms?: readonly HarmKind[]
}

const KEYS = new RowKeys('')

/** The kinds of harm. `found` says how the damage is known before the content is stored again. */
const HARMS = [
  { name: 'lost', harm: () => undefined },
  { name: 'cut off', harm: (bytes) => bytes.slice(0, -1) },
  { name: 'too long', harm: (bytes) => new Uint8Array([...bytes, 0]) },
  { name: 'flipped, as a reader has found', harm: flipped, found: 'by a reader' },
  { name: 'flipped, as its mark says', harm: flipped, found: 'marked' },
  { name: 'lost, as a reader has found', harm: () => undefined, found: 'by a reader' },
] as const satisfies readonly {
  readonly name: string
  readonly harm: Harm
  readonly found?: 'by a reader' | 'marked'
}[]

type HarmKind = (typeof HARMS)[number]['name']

function flipped(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  bytes[bytes.byteLength >> 1]! ^= 1
  return bytes
}

/** Harms an object through the backend itself. */
export async function harmThrough({ blocks }: Backend, object: string, harm: Harm): Promise<void> {
  const bytes = (await blocks.get(object))!
  await blocks.delete(object)
  const harmed = harm(bytes)
  if (harmed) await blocks.put(object, harmed)
}

/** Returns the current names of a stored stream's objects. */
export async function objectsOf({ metadata }: Backend, id: string): Promise<string[]> {
  const { pageSet, blockCount } = parseStream((await metadata.get(KEYS.stream(fromHex(id)!)))!.value)
  const names: string[] = []
  for (let index = 0; index * PAGE_ENTRIES < blockCount; index++) {
    const page = (await metadata.get(KEYS.page(pageSet ?? fromHex(id)!, index)))!
    names.push(...parsePage(page.value).entries.map(({ object }) => KEYS.object(object)))
  }
  return names
}

/**
 * Whichever object is harmed, storing the content again makes all of its aliases and references readable.
 *
 * @param deal Chooses the harms that this suite does to a stream.
 */
export function healingSuite(
  name: string,
  start: () => Promise<Fragile>,
  streams: readonly HarmedStream[],
  deal: <T>(harms: readonly T[]) => readonly T[] = sample,
): void {
  describe(`healing: ${name}`, () => {
    for (const { blocks, harmed, harms } of streams) {
      for (const each of deal(HARMS.filter(({ name: kind }) => !harms || harms.includes(kind)))) {
        const { name: what, harm } = each
        const found = 'found' in each ? each.found : undefined
        it(`is whole under every alias and reference once it is stored again: one of ${blocks} blocks ${what}`, async () => {
          const fragile = await start()
          const { backend } = fragile
          const store = new StreamStore(backend, { blockSize: 8 })
          const hive = new LocalHive(store)
          // A shorter one would not fill a block, so it would have no object.
          const bytes = pattern(blocks === 1 ? 8 : 8 * blocks - 3)
          const putAs = async (alias: string, content = bytes): Promise<void> => {
            const sink = hive.sink(alias)
            await bytesSource(content).stream().pipeTo(sink)
            await sink.entry
          }
          for (const alias of ['a', 'b', 'c']) await putAs(alias)
          await putAs('other', pattern(20).toReversed())
          const { id } = await put(store, bytes)
          await store.transaction(async (tx) => {
            await tx.markAsUsed(id, text('mine'))
            await tx.markAsUsed(id, text('until'), { owner: 'pin', expires: new Date(9e12) })
          })
          const before = await inspectStore(backend)
          expect(before.problems).toEqual([])
          const { etag } = await hive.stat('a')

          for (const [round, index] of harmed.entries()) {
            const objects = await objectsOf(backend, id)
            expect(objects).toHaveLength(blocks)
            await fragile.harm(objects[index]!, harm)
            if (found === 'marked') await markAsDamaged(backend, id)
            if (found === 'by a reader') {
              const reading = collect((await hive.open('b')).stream())
              const damage = { name: 'IntegrityError', alias: 'b', streamId: id, blockIndex: index }
              expect(await rejection(reading)).toMatchObject(damage)
            }
            if (round % 2 === 0) await putAs('d')
            else expect((await put(store, bytes, { reference: text('again') })).id).toBe(id)

            for (const alias of ['a', 'b', 'c', 'd']) {
              const entry = await hive.open(alias)
              expect(entry.etag).toBe(etag)
              expect(await collect(entry.stream())).toEqual(bytes)
            }
            expect(await collect((await store.open(id)).stream())).toEqual(bytes)
            const { references, problems, counts } = await inspectStore(backend)
            expect(problems).toEqual([])
            expect(references).toEqual(expect.arrayContaining(before.references))
            expect(counts['h']).toBe(before.counts['h'])
          }

          for (let i = 0; i < 2; i++) expect(await collectHastily(backend)).toMatchObject({ problems: [] })
          const { problems, counts, objects, unfinished } = await inspectStore(backend)
          expect({ problems, unfinished, objects }).toEqual({ problems: [], unfinished: [], objects: blocks + 3 })
          expect(counts).toMatchObject({ s: before.counts['s'], m: before.counts['m'] })
          for (const alias of ['a', 'b', 'c', 'd', 'other']) await collect((await hive.open(alias)).stream())
        })
      }
    }
  })
}
