import { memoryBackend } from '../../src/backends/memory.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { fromHex } from '../../src/bytes/byte-text.ts'
import { collect } from '../../src/bytes/collect.ts'
import type { IntegrityError } from '../../src/errors.ts'
import { digestOf } from '../../src/store/checksums.ts'
import { RowKeys } from '../../src/store/rows/row-keys.ts'
import { formatCandidate, formatStream, parseStream } from '../../src/store/rows/row-values.ts'
import { aliasRowsIn } from '../../src/store/transactions/alias-rows.ts'
import { type Backend, StreamStore } from '../../src/store.ts'
import { harmThrough, objectsOf } from './healing-suite.ts'
import { markAsDamaged, put, text } from './store-tools.ts'
import { VirtualHost } from './virtual-host.ts'

/** An actor, with its own store on the shared backend. */
export interface Actor {
  /** Whether its clock is a day ahead, so that all leases have ended for it. */
  readonly hasty?: boolean
  run(store: StreamStore, told: Told): Promise<unknown>
}

/** What the actors have learned about the results. */
export class Told {
  /** References that must exist now, with the content that must be readable. */
  readonly set = new Map<string, string>()
  /** References that were refused. */
  readonly refused = new Set<string>()
  readonly wrong: string[] = []
}

/** The actors of a scenario, and the state of the store when they start. */
export interface Scenario {
  readonly name: string
  /**
   * Bytes of a block. A content that is shorter is kept in the row of its stream.
   * @default 1
   */
  readonly blockSize?: number
  /** Content of a stream that exists from the start, with the reference `r0`. */
  readonly has?: string
  /** Whether a collector that died has condemned it. */
  readonly condemned?: boolean
  /** Whether it also has the reference `pin`, which expires soon. */
  readonly pinned?: boolean
  /** The damage of its first block: it is lost, or has other bytes, or only the stream is marked. */
  readonly damage?: 'lost' | 'flipped' | 'marked'
  /** Whether there is also the object {@linkcode ORPHAN}, which no row names. */
  readonly orphan?: boolean
  readonly actors: readonly Actor[]
}

/** Looks up content. Computes the hash without taking a turn of the host, so that a schedule is the same each time. */
export async function idOf(store: StreamStore, content: string): Promise<string | undefined> {
  const [id] = await store.lookup([await digestOf(memoryBackend(), text(content))])
  return id
}

const isUnknown = (error: unknown): boolean => (error as { outcome?: string }).outcome === 'unknown'

/** Stores content with a reference. */
export function writer(content: string, reference: string, options: { expires?: Date } = {}): Actor {
  return {
    async run(store, told) {
      try {
        await put(store, text(content), { reference: text(reference), ...options })
        if (!options.expires) told.set.set(reference, content)
      } catch (error) {
        if (!isUnknown(error)) told.refused.add(reference)
      }
    },
  }
}

/** Sets a reference on the stream of a content. */
export function marker(content: string, reference: string, expires?: Date): Actor {
  return {
    async run(store, told) {
      const id = await idOf(store, content)
      if (!id) return
      try {
        await store.transaction((tx) => tx.markAsUsed(id, text(reference), { expires }))
        if (expires !== SOON) told.set.set(reference, content)
      } catch (error) {
        if (!isUnknown(error)) told.refused.add(reference)
      }
    },
  }
}

/** Removes a reference from the stream that exists from the start. */
export function unmarker(reference: string): Actor {
  return {
    async run(store) {
      const id = await idOf(store, 'ab')
      if (id) await store.transaction((tx) => tx.unmarkAsUsed(id, text(reference)))
    },
  }
}

/** Reads the stream that exists from the start. */
export function reader(content: string, always: boolean): Actor {
  return {
    async run(store, told) {
      const id = await idOf(store, content)
      let opened = false
      try {
        if (!id) return
        const stored = await store.open(id)
        opened = true
        const got = new TextDecoder().decode(await collect(stored.stream()))
        if (got !== content) told.wrong.push(`read ${got} for ${content}`)
      } catch (error) {
        const { name } = error as Error
        if (name !== 'NotFoundError' || (always && opened)) told.wrong.push(`a reader got a ${name}`)
      }
    },
  }
}

/** Finds or stores content in a transaction. */
function getter(content: string, reference: string): Actor {
  return {
    async run(store, told) {
      const digest = await digestOf(memoryBackend(), text(content))
      try {
        await store.transaction((tx) => tx.getByDigestOrStore(digest, bytesSource(text(content)), text(reference)))
        told.set.set(reference, content)
      } catch (error) {
        if (!isUnknown(error)) told.refused.add(reference)
      }
    },
  }
}

/** Reads the stream that exists from the start, which is not removed but may be damaged. */
function finder(content: string): Actor {
  return {
    async run(store, told) {
      const id = await idOf(store, content)
      try {
        const got = new TextDecoder().decode(await collect((await store.open(id!)).stream()))
        if (got !== content) told.wrong.push(`read ${got} for ${content}`)
      } catch (error) {
        const { name, streamId, blockIndex } = error as IntegrityError
        if (name !== 'IntegrityError' || streamId !== id || blockIndex !== 0)
          told.wrong.push(`a reader got ${String(error)}`)
      }
    },
  }
}

/** Puts an entry as a hive does: one commit writes the alias, sets the new reference and removes the old one. */
export function entry(content: string): Actor {
  return {
    async run(store, told) {
      const reference = text('alias')
      const sink = store.sink({
        reference,
        async onCommit(tx, stored) {
          const old = await aliasRowsIn(tx).get(text('x'))
          aliasRowsIn(tx).set(text('x'), text(stored.id))
          if (old) await tx.unmarkAsUsed(new TextDecoder().decode(old), reference)
        },
      })
      const [outcome] = await Promise.allSettled([bytesSource(text(content)).stream().pipeTo(sink)])
      if (outcome.status === 'rejected' && (outcome.reason as Error).name !== 'BackendError') {
        told.wrong.push(`a put failed with ${String(outcome.reason)}`)
      }
    },
  }
}

/** Collects as if every lease were over. */
export function collector(graceMs = 0): Actor {
  return {
    hasty: true,
    async run(store, told) {
      const { problems } = await store.collectGarbage({ graceMs })
      if (problems.length > 0) told.wrong.push(`a collector met ${String(problems[0])}`)
    },
  }
}

const SOON = new Date(1_700_000_000_000 + 60_000)
/** Later than everything that happens here, even for actors whose clock is a day ahead. */
const LATE = new Date(1_700_000_000_000 + 9 * 86_400_000)
const KEYS = new RowKeys('')
/** Name of an object that no row names. */
export const ORPHAN: string = KEYS.object(new Uint8Array(16))
/** Longer than everything that happens here. */
export const GRACE: number = 10 * 86_400_000

/** Scenarios in which small stores are collected. */
export const COLLECTING: readonly Scenario[] = [
  {
    name: 'unmark, mark and two collectors',
    has: 'ab',
    actors: [unmarker('r0'), marker('ab', 'r1'), collector(), collector()],
  },
  {
    name: 'a duplicate of a stream that is being collected',
    has: 'ab',
    actors: [unmarker('r0'), writer('ab', 'r1'), collector()],
  },
  { name: 'an upload whose lease has ended', actors: [writer('abcde', 'r1'), collector(), collector()] },
  { name: 'twins', actors: [writer('ab', 'r1'), writer('ab', 'r2'), collector()] },
  {
    name: 'a mark that expires and one that does not',
    has: 'ab',
    actors: [unmarker('r0'), marker('ab', 'pin', SOON), marker('ab', 'r1'), collector(), collector()],
  },
  {
    name: 'an expired reference that is renewed',
    has: 'ab',
    pinned: true,
    actors: [collector(), marker('ab', 'pin', LATE), unmarker('r0'), collector()],
  },
  {
    name: 'a condemned stream that loses its last reference',
    has: 'ab',
    condemned: true,
    actors: [collector(), unmarker('r0'), collector()],
  },
  {
    name: 'a mark that has already expired when it is set',
    has: 'ab',
    actors: [collector(), unmarker('r0'), marker('ab', 'pin', SOON)],
  },
  {
    name: 'a reader during the grace period',
    has: 'ab',
    actors: [unmarker('r0'), reader('ab', true), collector(GRACE), collector(GRACE)],
  },
  {
    name: 'a reader without a grace period, and a writer of the same bytes',
    has: 'ab',
    actors: [unmarker('r0'), reader('ab', false), writer('ab', 'r1'), collector()],
  },
  {
    name: 'an entry that changes and changes back',
    has: 'ab',
    actors: [entry('cd'), entry('ab'), unmarker('r0'), collector()],
  },
]

/** Contents that are kept in the row of their stream, and stored in one commit. */
export const SMALL: readonly Scenario[] = [
  { name: 'small twins', blockSize: 9, actors: [writer('ab', 'r1'), writer('ab', 'r2'), collector()] },
  {
    name: 'a small content that is being collected',
    blockSize: 9,
    has: 'ab',
    actors: [unmarker('r0'), writer('ab', 'r1'), collector()],
  },
  {
    name: 'a small content with a reference that expires',
    blockSize: 9,
    actors: [writer('ab', 'pin', { expires: SOON }), marker('ab', 'r1'), collector(), collector()],
  },
  {
    name: 'a small entry that changes and changes back',
    blockSize: 9,
    has: 'ab',
    actors: [entry('cd'), entry('ab'), unmarker('r0'), collector()],
  },
  { name: 'no bytes', actors: [writer('', 'r1'), entry(''), collector()] },
]

/** Scenarios in which damaged streams are healed. */
export const HEALING: readonly Scenario[] = [
  {
    name: 'two writers who heal',
    has: 'ab',
    damage: 'lost',
    actors: [writer('ab', 'r1'), writer('ab', 'r2'), collector()],
  },
  {
    name: 'a writer of several groups who heals',
    has: 'abcde',
    damage: 'lost',
    actors: [writer('abcde', 'r1'), finder('abcde'), collector()],
  },
  {
    name: 'a reader of the former blocks',
    has: 'ab',
    damage: 'marked',
    actors: [reader('ab', true), writer('ab', 'r1'), collector()],
  },
  {
    name: 'a reader who finds damage while writers ask',
    has: 'ab',
    damage: 'flipped',
    actors: [finder('ab'), writer('ab', 'r1'), writer('ab', 'r2'), collector()],
  },
  {
    name: 'a heal of a stream that is being collected',
    has: 'ab',
    damage: 'lost',
    actors: [unmarker('r0'), writer('ab', 'r1'), collector()],
  },
  {
    name: 'a heal of a stream that is condemned',
    has: 'ab',
    damage: 'lost',
    condemned: true,
    actors: [writer('ab', 'r1'), collector(), unmarker('r0')],
  },
  {
    name: 'entries with the damaged content',
    has: 'ab',
    damage: 'lost',
    actors: [entry('ab'), entry('cd'), unmarker('r0'), collector()],
  },
  {
    name: 'a transaction that finds a damaged stream',
    has: 'ab',
    damage: 'flipped',
    actors: [getter('ab', 'r1'), finder('ab'), collector()],
  },
]

/** Makes the store that a scenario starts with. */
export async function prepare({ has, condemned, pinned, damage, orphan, blockSize = 1 }: Scenario): Promise<Backend> {
  const memory = memoryBackend()
  if (orphan) await memory.blocks.put(ORPHAN, text('?'))
  if (has !== undefined) {
    // No run uses this seed, because its ids would be the same.
    const store = new StreamStore(memory, { blockSize, host: new VirtualHost({ seed: 2 ** 31 }) })
    const { id } = await put(store, text(has), { reference: text('r0') })
    if (pinned) await store.transaction((tx) => tx.markAsUsed(id, text('pin'), { expires: SOON }))
    if (damage === 'marked') await markAsDamaged(memory, id)
    else if (damage) {
      const [object] = await objectsOf(memory, id)
      await harmThrough(memory, object!, (bytes) => (damage === 'lost' ? undefined : bytes.fill(0)))
    }
    if (condemned) {
      const [stream, candidate] = [KEYS.stream(fromHex(id)!), KEYS.candidate(fromHex(id)!)]
      const record = parseStream((await memory.metadata.get(stream))!.value)
      const value = formatStream({ ...record, status: { kind: 'condemned', former: 'stored' } })
      await memory.metadata.commit(
        [],
        [
          { key: stream, value },
          { key: candidate, value: formatCandidate(1) },
        ],
      )
    }
  }
  return memory
}
