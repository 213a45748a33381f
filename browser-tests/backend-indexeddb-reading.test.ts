import { afterEach, describe, expect, it, vi } from 'vitest'
import { indexedDbBackend } from '../src/backends/indexeddb.ts'
import type { Backend } from '../src/store.ts'

const KEY = new Uint8Array([1])
const BLOCK = new Uint8Array(1000)

const names: string[] = []
const backends: Backend[] = []

async function open(name: string = `test ${crypto.randomUUID()}`): Promise<Backend> {
  names.push(name)
  const backend = await indexedDbBackend(name)
  backends.push(backend)
  return backend
}

/** Opens a backend with a row and a block. */
async function openFilled(): Promise<Backend> {
  const backend = await open()
  await backend.blocks.put('one', BLOCK)
  await backend.metadata.commit([], [{ key: KEY, value: KEY }])
  return backend
}

function remove(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(`combstream:${name}`)
    request.onsuccess = () => resolve()
    request.onerror = () => reject(request.error!)
  })
}

/** How a call ends: the length of a block, or the reason. */
function outcomeOf(read: Promise<Uint8Array | undefined>): Promise<unknown> {
  return read.then(
    (bytes) => bytes?.byteLength,
    (reason: unknown) => reason,
  )
}

afterEach(async () => {
  vi.restoreAllMocks()
  await Promise.all(backends.splice(0).map((backend) => backend.close()))
  await Promise.all(names.splice(0).map(remove))
})

describe('reading from IndexedDB', () => {
  it('reads blocks in few transactions, each of which lets others write soon', async () => {
    const { blocks } = await openFilled()
    const begin = vi.spyOn(IDBDatabase.prototype, 'transaction')
    for (let count = 0; count < 40; count++) expect(await blocks.get('one')).toHaveLength(BLOCK.byteLength)
    expect(begin.mock.calls.length).toBeGreaterThanOrEqual(40 / 8)
    // WebKit sometimes ends one a little sooner than it need.
    expect(begin.mock.calls.length).toBeLessThan(30)
  })

  it('reads a row once in a transaction of blocks, and gives each caller bytes of its own', async () => {
    const { blocks, metadata } = await openFilled()
    const pending = blocks.get('one')
    const get = vi.spyOn(IDBObjectStore.prototype, 'get')
    const rows = await Promise.all([metadata.get(KEY), metadata.get(KEY), metadata.get(KEY)])
    expect(get).toHaveBeenCalledTimes(1)
    rows[0]!.value.fill(9)
    expect(rows.map((row) => row!.value[0])).toEqual([9, 1, 1])
    await pending
  })

  it('reads that row again in the next transaction, before the blocks', async () => {
    const { blocks, metadata } = await openFilled()
    const get = vi.spyOn(IDBObjectStore.prototype, 'get')
    const read = (count: number): Promise<unknown>[] => Array.from({ length: count }, () => blocks.get('one'))
    const first = [...read(1), metadata.get(KEY), ...read(6)]
    const next = read(3)
    const known = metadata.get(KEY)
    await Promise.all([...first, ...next, known])
    const stores = get.mock.contexts.map((store) => (store as IDBObjectStore).name)
    const seven = ['rows', ...Array.from({ length: 6 }, () => 'blocks')]
    expect(stores).toEqual(['blocks', ...seven, 'rows', 'blocks', 'blocks', 'blocks'])
  })

  it('lets the engine answer a caller who asks for a row again and again', async () => {
    const { blocks, metadata } = await openFilled()
    const state = { arrived: false }
    const block = blocks.get('one').finally(() => {
      state.arrived = true
    })
    // Microtasks alone would keep the block from arriving.
    while (!state.arrived) await metadata.get(KEY)
    expect(await block).toHaveLength(BLOCK.byteLength)
  })

  it('reads a row by itself while no blocks are read, or while something is written', async () => {
    const { blocks, metadata } = await openFilled()
    const begin = vi.spyOn(IDBDatabase.prototype, 'transaction')
    await blocks.get('one')
    await metadata.get(KEY)
    const put = blocks.put('two', BLOCK)
    const block = blocks.get('one')
    await metadata.get(KEY)
    await Promise.all([put, block])
    const scopes = begin.mock.calls.filter(([, mode]) => mode === 'readonly').map(([stores]) => stores)
    expect(scopes).toEqual([['rows', 'blocks'], ['rows'], ['rows', 'blocks'], ['rows']])
  })

  it('reads a row anew once another connection has changed it, whether or not blocks are being read', async () => {
    const { blocks, metadata } = await openFilled()
    const other = await open(names.at(-1))
    const commit = (value: number): Promise<unknown> =>
      other.metadata.commit([], [{ key: KEY, value: new Uint8Array([value]) }])
    await commit(2)
    await Promise.all([blocks.get('one'), metadata.get(KEY)])
    await commit(3)
    expect((await metadata.get(KEY))!.value[0]).toBe(3)

    // The first transaction is full, and ends before the writer begins; the second waits for the writer.
    const first = [blocks.get('one'), metadata.get(KEY), ...Array.from({ length: 6 }, () => blocks.get('one'))]
    const begin = vi.spyOn(IDBDatabase.prototype, 'transaction')
    const committed = commit(4)
    await vi.waitUntil(() => begin.mock.calls.length > 0, { timeout: 30_000, interval: 0 })
    const second = blocks.get('one')
    await committed
    expect((await metadata.get(KEY))!.value[0]).toBe(4)
    await Promise.all([...first, second])
  })

  it('goes on with what others read when one of those who share a transaction gives up', async () => {
    const { blocks } = await openFilled()
    const [one, two] = [new AbortController(), new AbortController()]
    const both = [one, two].map(({ signal }) => outcomeOf(blocks.get('one', { signal })))
    one.abort('first')
    expect(await Promise.all(both)).toEqual(['first', BLOCK.byteLength])

    const abort = vi.spyOn(IDBTransaction.prototype, 'abort')
    const three = new AbortController()
    const last = [1, 2].map(() => outcomeOf(blocks.get('one', { signal: three.signal })))
    three.abort('second')
    expect(await Promise.all(last)).toEqual(['second', 'second'])
    expect(abort).toHaveBeenCalled()
    expect(await blocks.get('one')).toHaveLength(BLOCK.byteLength)
  })

  it('reads a row for one caller although another, who had asked for it first, has given up', async () => {
    const { blocks, metadata } = await openFilled()
    const [one, two] = [new AbortController(), new AbortController()]
    const block = outcomeOf(blocks.get('one', { signal: one.signal }))
    const first = outcomeOf(metadata.get(KEY, { signal: two.signal }).then((found) => found?.value))
    // Once the last of them has gone, the transaction is aborted; its requests fail some time after that.
    const aborted = new Promise<void>((resolve) => {
      const { abort } = IDBTransaction.prototype
      vi.spyOn(IDBTransaction.prototype, 'abort').mockImplementation(function (this: IDBTransaction) {
        abort.call(this)
        resolve()
      })
    })
    one.abort('first')
    two.abort('second')
    await aborted
    expect((await metadata.get(KEY))!.value).toEqual(KEY)
    expect(await Promise.all([block, first])).toEqual(['first', 'second'])
  })

  it('fails all that share a transaction which the browser aborts, and reads on', async () => {
    const { blocks, metadata } = await openFilled()
    const begin = vi.spyOn(IDBDatabase.prototype, 'transaction')
    const reads = [outcomeOf(blocks.get('one')), outcomeOf(blocks.get('one'))]
    const row = outcomeOf(metadata.get(KEY).then((found) => found?.value))
    for (const { value } of begin.mock.results) (value as IDBTransaction).abort()
    for (const outcome of await Promise.all([...reads, row])) {
      expect(outcome).toMatchObject({ name: 'BackendError', retryable: true })
    }
    expect(await blocks.get('one')).toHaveLength(BLOCK.byteLength)
    expect((await metadata.get(KEY))!.value).toEqual(KEY)
  })

  it('reads again when the browser closes the connection under those who read', async () => {
    const { blocks, metadata } = await openFilled()
    const begin = vi.spyOn(IDBDatabase.prototype, 'transaction')
    const reads = [blocks.get('one'), blocks.get('one'), metadata.get(KEY), metadata.list({ prefix: KEY, limit: 1 })]
    const begun = begin.mock.results.map(({ value }) => value as IDBTransaction)
    // As a browser does: it closes the connection, aborts its transactions, and tells the page last.
    for (const transaction of begun) {
      transaction.db.close()
      transaction.abort()
    }
    expect(begun).toHaveLength(2)
    const [one, two, row, rows] = await Promise.all(reads)
    expect([one, two]).toEqual([BLOCK, BLOCK])
    expect(row).toMatchObject({ value: KEY })
    expect(rows).toEqual([expect.objectContaining({ key: KEY, value: KEY })])
  })

  it('lets nothing join a transaction that a writer waits for', async () => {
    const { blocks } = await openFilled()
    const order: string[] = []
    // Each block is asked for in answer to the one before, so that it could join.
    const reading = (async () => {
      for (let count = 0; count < 4; count++) {
        await blocks.get('one')
        order.push('read')
      }
    })()
    const put = blocks.put('two', BLOCK).then(() => order.push('written'))
    await Promise.all([reading, put])
    expect(order).toEqual(['read', 'written', 'read', 'read', 'read'])
  })
})
