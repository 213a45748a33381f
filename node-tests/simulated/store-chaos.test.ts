import { describe, expect, it } from 'vitest'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { fromHex } from '../../src/bytes/byte-text.ts'
import { memoryBackend } from '../../src/backends/memory.ts'
import { type Backend, StreamStore, type Transaction } from '../../src/store.ts'
import { RowKeys } from '../../src/store/rows/row-keys.ts'
import { parseStream, parseStreamId } from '../../src/store/rows/row-values.ts'
import { aliasRowsIn } from '../../src/store/transactions/alias-rows.ts'
import { type Fault, faulty, type Step } from '../support/faulty-backend.ts'
import { collectHastily } from '../support/hasty-collector.ts'
import { inspectStore } from '../support/inspect-store.ts'
import { seeds } from '../support/sample.ts'
import { VirtualHost } from '../support/virtual-host.ts'

const text = (value: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(value)

const keys = new RowKeys('')
const CONTENTS = ['', 'a', 'ab', 'abcd', 'abcde', 'abcdefghi', 'xyz']
const ALIASES = ['one', 'two']
const FAULTS: Fault[] = ['fail', 'busy', 'quota', 'lost', 'late', 'delay', 'crash-before', 'crash-after', 'torn']

/** What a process was told about a reference that only it sets. */
interface Told {
  readonly reference: string
  readonly content: string
  readonly told: 'done' | 'failed'
}

/** Puts content under an alias as a hive does: one commit writes the alias and moves the reference. */
async function putEntry(store: StreamStore, alias: string, content: string): Promise<void> {
  const reference = text(`alias:${alias}`)
  const sink = store.sink({
    reference,
    async onCommit(tx, stored) {
      const old = await aliasRowsIn(tx).get(text(alias))
      aliasRowsIn(tx).set(text(alias), text(stored.id))
      if (old) await tx.unmarkAsUsed(new TextDecoder().decode(old), reference)
    },
  })
  await bytesSource(text(content)).stream().pipeTo(sink)
}

async function removeEntry(tx: Transaction, alias: string): Promise<void> {
  const old = await aliasRowsIn(tx).get(text(alias))
  if (!old) return
  aliasRowsIn(tx).delete(text(alias))
  await tx.unmarkAsUsed(new TextDecoder().decode(old), text(`alias:${alias}`))
}

/** Whether an object that was just put has an intent, of a stream that is still being stored. */
async function isStoring({ metadata }: Backend, object: string): Promise<boolean> {
  const intent = await metadata.get(keys.intent(fromHex(object.slice(2))!))
  const row = intent && (await metadata.get(keys.stream(parseStreamId(intent.value))))
  return row !== undefined && parseStream(row.value).status.kind === 'storing'
}

/**
 * Simulates a process: does a few operations on a backend that fails now and then, until they are done or it has
 * crashed. Returns whether a put may have arrived after its intent was reaped, without being undone.
 */
async function process(memory: Backend, name: string, host: VirtualHost, told: Told[]): Promise<boolean> {
  const random = (): number => host.fraction()
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)]!
  let mayOrphan = false
  const plan = ({ operation }: Step): Fault | undefined => {
    if (random() >= 0.06) return undefined
    const fault = pick(FAULTS)
    if (fault === 'torn' && operation !== 'blocks.put') return undefined
    if ((fault === 'late' && operation === 'blocks.put') || /crash|torn|fail|quota/.test(fault)) mayOrphan = true
    return fault
  }
  const put: Backend['blocks']['put'] = async (object, ...rest) => {
    await memory.blocks.put(object, ...rest)
    if (!(await isStoring(memory, object))) mayOrphan = true
  }
  const backend = faulty({ ...memory, blocks: { ...memory.blocks, put } }, plan, host)
  const store = new StreamStore(backend, {
    blockSize: 1 + Math.floor(random() * 2),
    inMemoryThreshold: 4,
    cacheBytes: random() < 0.5 ? 6 : 0,
    host,
  })

  const work = async (): Promise<void> => {
    for (let i = 0; i < 3; i++) {
      const reference = `${name}.${i}`
      const content = pick(CONTENTS)
      const say = (answer: Told['told']): unknown => told.push({ reference, content, told: answer })
      try {
        if (random() < 0.5) {
          const sink = store.sink({ reference: text(reference) })
          await bytesSource(text(content)).stream().pipeTo(sink)
          await sink.stored
          say('done')
        } else if (random() < 0.7) {
          await putEntry(store, pick(ALIASES), content)
        } else {
          await store.transaction((tx) => removeEntry(tx, pick(ALIASES)))
        }
      } catch (error) {
        if ((error as { outcome?: string }).outcome !== 'unknown') say('failed')
      }
      if (random() < 0.5) await backend.arrive()
    }
  }
  await Promise.race([work(), backend.crashed])
  await host.sleep(random() * 4)
  await backend.arrive()
  return mayOrphan
}

function pickFault(host: VirtualHost): Fault {
  return FAULTS.filter((fault) => fault !== 'torn')[Math.floor(host.fraction() * (FAULTS.length - 1))]!
}

async function collectUntil(signal: AbortSignal, memory: Backend, host: VirtualHost): Promise<void> {
  while (!signal.aborted) {
    // Now and then a collector fails or dies. The next one continues.
    const backend = faulty(memory, () => (host.fraction() < 0.04 ? pickFault(host) : undefined), host)
    const settled = Promise.allSettled([collectHastily(backend, host)])
    await Promise.race([settled, backend.crashed])
    await host.sleep(host.fraction())
    await backend.arrive()
  }
}

describe('a store that several processes use', () => {
  it.each([
    { collected: false, name: '' },
    { collected: true, name: ', while another collects' },
  ])('keeps every promise whatever fails, arrives late or dies$name', async ({ collected }) => {
    for (const seed of seeds(80)) {
      const host = new VirtualHost({ seed })
      const memory = memoryBackend()
      const told: Told[] = []
      const end = new AbortController()
      const collecting = collected ? collectUntil(end.signal, memory, host) : undefined
      const orphans = await Promise.all(['A', 'B', 'C'].map((name) => process(memory, name, host, told)))
      end.abort()
      await collecting
      // Collections remove what a crash or a failed removal left behind, and nothing else.
      if (collected) await collectHastily(memory, host)
      if (collected) await collectHastily(memory, host)
      const contents = await inspectStore(memory)
      const where = `seed ${seed}`
      // Only a scrub finds these objects.
      const lost = (problem: string): boolean => orphans.includes(true) && problem.startsWith('no row names object')
      expect(
        contents.problems.filter((problem) => !lost(problem)),
        where,
      ).toEqual([])

      const byReference = new Map(contents.references.map((each) => [each.slice(33), each.slice(0, 32)]))
      expect(byReference.size, where).toBe(contents.references.length)
      for (const { reference, content, told: answer } of told) {
        const id = byReference.get(reference)
        if (answer === 'failed') expect(id, `${where}, ${reference} failed`).toBeUndefined()
        else expect(contents.stored.get(id ?? ''), `${where}, ${reference} was stored`).toBe(content)
      }
      for (const [alias, id] of contents.rows) {
        expect(byReference.get(`alias:${alias.slice(2)}`), `${where}, ${alias}`).toBe(id)
      }
      for (const reference of byReference.keys()) {
        if (reference.startsWith('alias:')) expect(contents.rows.has(`a/${reference.slice(6)}`), where).toBe(true)
      }
      if (collected) {
        expect(contents.unfinished, where).toEqual([])
        for (const kind of ['i', 'c', 't']) expect(contents.counts[kind], `${where}, ${kind}`).toBeUndefined()
        expect([...contents.stored.keys()].toSorted(), where).toEqual([...new Set(byReference.values())].toSorted())
      }
      // The same bytes are stored once.
      expect(new Set(contents.stored.values()).size, where).toBe(contents.stored.size)
    }
  })
})
