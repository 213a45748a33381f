import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { fromHex } from '../../src/bytes/byte-text.ts'
import { collect } from '../../src/bytes/collect.ts'
import { AccessError } from '../../src/errors.ts'
import { type Backend, type StoredStream, StreamStore } from '../../src/store.ts'
import { parsePage, parseStream, formatStream, type StreamRecord } from '../../src/store/rows/row-values.ts'
import { RowKeys } from '../../src/store/rows/row-keys.ts'
import { faulty } from '../support/faulty-backend.ts'
import { movePages, pattern, put, text } from '../support/store-tools.ts'
import { VirtualHost } from '../support/virtual-host.ts'

const keys = new RowKeys('')
const BYTES = pattern(11)

interface Damaged {
  readonly memory: Backend
  readonly id: string
  read(): Promise<StreamRecord>
  write(changes: Partial<StreamRecord>): Promise<unknown>
  /** Opens the stream. `around` can wrap its backend. */
  open(around?: (memory: Backend) => Backend): Promise<StoredStream>
}

/** Makes a stream of three blocks and loses the second. */
async function damaged(): Promise<Damaged> {
  const memory = memoryBackend()
  const { id } = await put(new StreamStore(memory, { blockSize: 4 }), BYTES, { reference: text('r') })
  const page = parsePage((await memory.metadata.get(keys.page(fromHex(id)!, 0)))!.value)
  await memory.blocks.delete(keys.object(page.entries[1]!.object))
  const key = keys.stream(fromHex(id)!)
  const read = async (): Promise<StreamRecord> => parseStream((await memory.metadata.get(key))!.value)
  return {
    memory,
    id,
    read,
    write: async (changes) =>
      memory.metadata.commit([], [{ key, value: formatStream({ ...(await read()), ...changes }) }]),
    open: (around = (backend) => backend) =>
      new StreamStore(around(memory), { blockSize: 4, host: new VirtualHost() }).open(id),
  }
}

/** Wraps a backend so that it calls `what` before each commit. */
function beforeCommits(memory: Backend, what: (number: number) => Promise<unknown>): Backend {
  let number = 0
  return {
    ...memory,
    metadata: {
      ...memory.metadata,
      async commit(...args) {
        await what(number++)
        return memory.metadata.commit(...args)
      },
    },
  }
}

describe('the damage mark', () => {
  it('is set once by a reader that found a block missing, and changes nothing else', async () => {
    const { read, open, id, memory } = await damaged()
    const before = await read()
    const damage = { name: 'IntegrityError', streamId: id, blockIndex: 1 }
    await expect(collect((await open()).stream())).rejects.toMatchObject(damage)
    expect(await read()).toEqual({ ...before, damaged: true })
    const { steps, ...backend } = faulty(memory, () => undefined)
    await expect(collect((await open(() => backend)).stream())).rejects.toMatchObject(damage)
    expect(steps.filter(({ operation }) => operation === 'commit')).toEqual([])
  })

  it('does not prevent the other blocks from being read', async () => {
    const { open } = await damaged()
    await collect((await open()).stream()).catch(() => undefined)
    expect(await collect((await open()).slice(8).stream())).toEqual(BYTES.slice(8))
  })

  it('stays when a condemned stream is stored again', async () => {
    const { read, write, open, id, memory } = await damaged()
    await collect((await open()).stream()).catch(() => undefined)
    await write({ status: { kind: 'condemned', former: 'stored' } })
    await new StreamStore(memory).transaction((tx) => tx.markAsUsed(id, text('again')))
    expect(await read()).toMatchObject({ status: { kind: 'stored' }, damaged: true })
  })

  it('is not needed: a reader gets the error even if the mark cannot be written', async () => {
    const failures: (() => Promise<unknown>)[] = [
      () => Promise.reject(new AccessError('read-only')),
      () => Promise.reject(new Error('broken')),
    ]
    for (const failure of failures) {
      const { read, open, id } = await damaged()
      const stored = await open((memory) => beforeCommits(memory, failure))
      await expect(collect(stored.stream())).rejects.toMatchObject({ name: 'IntegrityError', streamId: id })
      expect(await read()).not.toHaveProperty('damaged', true)
    }
  })

  it('is set even if its answer is lost or the engine is busy', async () => {
    for (const fault of ['lost', 'busy'] as const) {
      const { read, open } = await damaged()
      let commits = 0
      const stored = await open((memory) =>
        faulty(memory, ({ operation }) => (operation === 'commit' && commits++ === 0 ? fault : undefined)),
      )
      await expect(collect(stored.stream())).rejects.toMatchObject({ name: 'IntegrityError' })
      expect(await read()).toMatchObject({ damaged: true })
    }
  })

  it('is not set on a stream that names other pages by then, and its reader continues there', async () => {
    const { read, open, id, memory } = await damaged()
    const store = new StreamStore(memory, { blockSize: 2 })
    const twin = fromHex('77'.repeat(16))!
    // Another stream of the same length provides the pages.
    const whole = await put(store, BYTES.toReversed())
    const stored = await open((backend) =>
      beforeCommits(backend, async (number) => {
        if (number > 0) return
        await movePages(memory, whole.id, twin)
        await movePages(memory, id, fromHex('88'.repeat(16))!, { pageSet: twin, blockSize: 2, blockCount: 6 })
      }),
    )
    expect(await collect(stored.slice(4).stream())).toEqual(BYTES.toReversed().slice(4))
    expect(await read()).not.toHaveProperty('damaged', true)
  })

  it('is set on a row that has changed otherwise in the meantime', async () => {
    const { read, write, open, id, memory } = await damaged()
    const stored = await open(() => beforeCommits(memory, async (number) => number === 0 && write({ leaseUntil: 7 })))
    await expect(collect(stored.stream())).rejects.toMatchObject({ name: 'IntegrityError', streamId: id })
    expect(await read()).toMatchObject({ damaged: true, leaseUntil: 7 })
  })
})
