import { afterEach, describe, expect, it, vi } from 'vitest'
import { cdp, server } from 'vitest/browser'
import { indexedDbBackend, type IndexedDbBackendOptions } from '../src/backends/indexeddb.ts'
import { LocalHive } from '../src/hive/local-hive.ts'
import { collect } from '../src/bytes/collect.ts'
import { type Backend, StreamStore, systemHost } from '../src/store.ts'
import { backendCases } from '../src/testing.ts'
import { hiveSuite } from '../node-tests/support/hive-suite.ts'
import { harmThrough, healingSuite } from '../node-tests/support/healing-suite.ts'
import { hastyHost } from '../node-tests/support/hasty-collector.ts'
import { inspectStore } from '../node-tests/support/inspect-store.ts'
import { sample } from '../node-tests/support/sample.ts'
import { settledBackend } from '../node-tests/support/settled-backend.ts'
import { difference } from '../node-tests/support/jobs.ts'
import { randomBytes, rejection } from '../node-tests/support/streams.ts'
import { BLOCK_SIZE, contentOf } from './support/stored-entries.ts'

const KEY = new Uint8Array([1])

const names: string[] = []
const backends: Backend[] = []

function newName(): string {
  const name = `test ${crypto.randomUUID()}`
  names.push(name)
  return name
}

async function open(name: string = newName(), options: IndexedDbBackendOptions = {}): Promise<Backend> {
  const backend = await indexedDbBackend(name, options)
  backends.push(backend)
  return backend
}

/** Resolves with the result of a request. */
function resultOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error!)
  })
}

const remove = (name: string): Promise<unknown> => resultOf(indexedDB.deleteDatabase(`combstream:${name}`))

afterEach(async () => {
  await Promise.all(backends.splice(0).map((backend) => backend.close()))
  await Promise.all(names.splice(0).map(remove))
})

describe('indexedDbBackend', () => {
  it('stores the blocks of one upload in few transactions, and aborts them without those of another', async () => {
    const { blocks } = await open()
    const begin = vi.spyOn(IDBDatabase.prototype, 'transaction')
    const one = new AbortController()
    const other = new AbortController()
    const put = (name: string, { signal }: AbortController): Promise<unknown> =>
      blocks.put(name, new Uint8Array(1000), { signal }).then(
        () => 'stored',
        (error: unknown) => error,
      )
    const range = Array.from({ length: 8 }, (_, index) => index)
    const puts = range.map((index) => put(`one ${index}`, one))
    expect(await Promise.all(puts)).toEqual(range.map(() => 'stored'))
    // Two that begin at once, and two with those that have gathered.
    expect(begin.mock.calls.map(([, mode]) => mode)).toEqual(Array.from({ length: 4 }, () => 'readwrite'))
    begin.mockRestore()

    const kept = range.map((index) => [put(`two ${index}`, one), put(`three ${index}`, other)] as const)
    one.abort('enough')
    expect(await Promise.all(kept.map(([aborted]) => aborted))).toEqual(range.map(() => 'enough'))
    expect(await Promise.all(kept.map(([, stored]) => stored))).toEqual(range.map(() => 'stored'))
    const found = await blocks.list({ prefix: 't', limit: 100 })
    expect(found.map(({ name }) => name)).toEqual(range.map((index) => `three ${index}`))
  })

  const reopen = (): Promise<Backend> => open(names.at(-1))
  it.each(backendCases(() => open(), { reopen }))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })

  const withFaults = backendCases(async () => settledBackend(await open()), { reopen })
  it.each(sample(withFaults))('$name, with faults', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })

  it('begins to read a row when it is called, so that the caller can do other work meanwhile', async () => {
    const { metadata } = await open()
    await metadata.commit([], [{ key: KEY, value: KEY }])
    const begin = vi.spyOn(IDBDatabase.prototype, 'transaction')
    const get = vi.spyOn(IDBObjectStore.prototype, 'get')
    try {
      const read = metadata.get(KEY)
      expect([begin, get].map(({ mock }) => mock.calls.length)).toEqual([1, 1])
      expect((await read)?.value).toEqual(KEY)
    } finally {
      begin.mockRestore()
      get.mockRestore()
    }
  })

  it('keeps rows and objects when it is closed, and continues to count versions', async () => {
    const name = newName()
    const first = await open(name)
    const version = (await first.metadata.commit([], [{ key: KEY, value: KEY }])) as string
    await first.blocks.put('o.00', KEY)
    await first.close()
    const { metadata, blocks } = await open(name)
    expect(await metadata.get(KEY)).toEqual({ value: KEY, version })
    expect(await blocks.get('o.00')).toEqual(KEY)
    expect(await metadata.commit([], [{ key: KEY, value: undefined }])).not.toBe(version)
    const again = await metadata.commit([], [{ key: KEY, value: KEY }])
    expect(again).not.toBe(version)
    expect((await metadata.get(KEY))!.version).toBe(again)
  })

  it.each(sample(backendCases(() => open(newName(), { asBlobs: true }), { reopen })))(
    '$name, as Blobs',
    async ({ run }) => {
      await expect(run()).resolves.toBeUndefined()
    },
  )

  it('stores objects as Blobs if the browser takes them, and reads both kinds', async () => {
    const name = newName()
    const [asBlobs, asBytes] = [await open(name, { asBlobs: true }), await open(name)]
    const bytes = randomBytes(100_000)
    await asBlobs.blocks.put('o.00', bytes.subarray(10))
    await asBytes.blocks.put('o.01', bytes)
    for (const { blocks } of [asBlobs, asBytes]) {
      expect(difference((await blocks.get('o.00'))!, bytes.slice(10))).toBe(undefined)
      expect(difference((await blocks.get('o.01'))!, bytes)).toBe(undefined)
      expect(await blocks.blob!('o.01')).toBe(undefined)
      expect(await blocks.blob!('o.02')).toBe(undefined)
    }
    const blob = await asBytes.blocks.blob!('o.00')
    // WebKitGTK stores no Blobs while it keeps nothing on disk.
    expect(blob !== undefined).toBe(server.browser !== 'webkit')
    if (!blob) return
    expect(blob.size).toBe(bytes.byteLength - 10)
    await asBytes.blocks.delete('o.00')
    const read = await blob.arrayBuffer().catch(() => undefined)
    if (read) expect(difference(new Uint8Array(read), bytes.slice(10))).toBe(undefined)
  })

  it('stores a part of a larger buffer as that part', async () => {
    const { blocks, metadata } = await open()
    const buffer = new Uint8Array(1000).fill(9)
    await blocks.put('o.00', buffer.subarray(10, 13))
    expect(await blocks.get('o.00')).toEqual(new Uint8Array([9, 9, 9]))
    await metadata.commit([], [{ key: buffer.subarray(0, 2), value: buffer.subarray(5, 6) }])
    const [row] = await metadata.list({ prefix: buffer.subarray(0, 1), limit: 10 })
    expect([row!.key, row!.value]).toEqual([new Uint8Array([9, 9]), new Uint8Array([9])])
  })

  it('fails with a BackendError when its database is deleted while it is open, and never becomes an empty one', async () => {
    const name = newName()
    const backend = await open(name)
    const old = await backend.metadata.commit([], [{ key: KEY, value: KEY }])
    // This resolves only because the backend releases its connection.
    await remove(name)
    for (let i = 0; i < 2; i++) {
      const error = await rejection(backend.metadata.get(KEY))
      expect(error).toMatchObject({ name: 'BackendError', retryable: false })
    }
    // The attempts created nothing.
    const other = await open(name)
    expect(await other.metadata.get(KEY)).toBeUndefined()
    await other.metadata.commit([], [{ key: KEY, value: KEY }])
    expect((await other.metadata.get(KEY))!.version).toBe(old)
    // Its versions start again, so a backend that knows the former ones must not use it.
    expect(await rejection(backend.metadata.get(KEY))).toMatchObject({ name: 'BackendError', retryable: false })
    expect(await rejection(backend.blocks.put('o.00', KEY))).toMatchObject({ name: 'BackendError' })
  })

  it('opens a connection that a browser has closed without an event again, for many calls at once', async () => {
    const { metadata } = await open()
    await metadata.commit([], [{ key: KEY, value: KEY }])
    const { transaction } = IDBDatabase.prototype
    let toClose = 1
    IDBDatabase.prototype.transaction = function (...parameters) {
      if (toClose-- > 0) this.close()
      return transaction.apply(this, parameters)
    }
    try {
      const rows = await Promise.all([1, 2, 3].map(() => metadata.get(KEY)))
      expect(rows.map((row) => row?.value)).toEqual([KEY, KEY, KEY])
      toClose = Infinity
      expect(await rejection(metadata.get(KEY))).toMatchObject({ name: 'BackendError' })
    } finally {
      IDBDatabase.prototype.transaction = transaction
    }
    expect((await metadata.get(KEY))?.value).toEqual(KEY)
  })

  it('creates a hive in a page that was not loaded over https, which has no randomUUID', async () => {
    const name = newName()
    vi.stubGlobal('crypto', { getRandomValues: (array: Uint32Array) => array.fill(7) })
    try {
      expect(await (await open(name)).metadata.get(KEY)).toBeUndefined()
    } finally {
      vi.unstubAllGlobals()
    }
  })

  it.each([
    ['refuses at once', new DOMException('storage is blocked', 'SecurityError')],
    ['refuses later', new DOMException('not in a private window', 'InvalidStateError')],
    ['has no IndexedDB', undefined],
  ])(
    'fails with a BackendError where a browser keeps nothing and %s, and leaves nothing behind',
    async (how, cause) => {
      const name = newName()
      const opening = vi.spyOn(IDBFactory.prototype, 'open')
      if (cause === undefined) vi.stubGlobal('indexedDB', undefined)
      opening.mockImplementationOnce(() => {
        if (how === 'refuses at once') throw cause
        const request = { error: cause } as IDBOpenDBRequest
        queueMicrotask(() => request.onerror!(new Event('error')))
        return request
      })
      try {
        const error = await rejection(indexedDbBackend(name))
        expect(error).toMatchObject({ name: 'BackendError', retryable: false, ...(cause && { cause }) })
      } finally {
        opening.mockRestore()
        vi.unstubAllGlobals()
      }
      expect((await indexedDB.databases()).map((database) => database.name)).not.toContain(`combstream:${name}`)
      expect(await (await open(name)).metadata.get(KEY)).toBeUndefined()
    },
  )

  it('gives way to a later version of the database, and then refuses it', async () => {
    const name = newName()
    const backend = await open(name)
    await backend.metadata.commit([], [{ key: KEY, value: KEY }])
    const later = await resultOf(indexedDB.open(`combstream:${name}`, 2))
    later.close()
    expect(await rejection(backend.metadata.get(KEY))).toMatchObject({ name: 'FormatError', reason: 'unsupported' })
    expect(await rejection(open(name))).toMatchObject({ name: 'FormatError', reason: 'unsupported' })
  })

  describe('while a page keeps a connection that prevents the deletion of the database', () => {
    /** Opens a backend, and then begins such a deletion. Returns the backend, and a function that ends it. */
    const block = async (): Promise<{ backend: Backend; name: string; unblock: () => Promise<unknown> }> => {
      const name = newName()
      const backend = await open(name)
      const other = await resultOf(indexedDB.open(`combstream:${name}`))
      const deletion = indexedDB.deleteDatabase(`combstream:${name}`)
      const deleted = resultOf(deletion)
      await new Promise((resolve) => (deletion.onblocked = resolve))
      const unblock = (): Promise<unknown> => {
        other.close()
        return deleted
      }
      return { backend, name, unblock }
    }

    const callsOf = ({ metadata, blocks }: Backend, signal?: AbortSignal): Promise<unknown>[] => [
      metadata.get(KEY, { signal }),
      metadata.list({ prefix: KEY, limit: 1, signal }),
      metadata.commit([], [{ key: KEY, value: KEY }], { signal }),
      blocks.get('a.00', { signal }),
      blocks.put('a.00', KEY, { signal }),
    ]

    it('ends a call whose signal aborts', async () => {
      const { backend, unblock } = await block()
      const abort = new AbortController()
      const reasons = Promise.all(callsOf(backend, abort.signal).map(rejection))
      abort.abort('enough')
      expect(await reasons).toEqual(Array(5).fill('enough'))
      await unblock()
      expect(await rejection(backend.metadata.get(KEY))).toMatchObject({ name: 'BackendError', retryable: false })
    })

    it('closes, and ends its calls', async () => {
      const { backend, unblock } = await block()
      const errors = Promise.all(callsOf(backend).map(rejection))
      await backend.close()
      for (const error of await errors) expect(error).toMatchObject({ name: 'TypeError' })
      await unblock()
    })

    it('fails with a BackendError after half a minute, and leaves no connection open', async () => {
      const { backend, name, unblock } = await block()
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
      try {
        // The tests' own function has the same limit of time.
        const errors = Promise.allSettled([...callsOf(backend), open(name)])
        // Calls begin to open a connection in microtasks.
        for (let i = 0; i < 10; i++) await Promise.resolve()
        vi.advanceTimersByTime(30_000)
        for (const settled of await errors) {
          expect(settled).toMatchObject({ reason: { name: 'BackendError', retryable: true } })
        }
      } finally {
        vi.useRealTimers()
      }
      await unblock()
    })
  })

  it('refuses a database of another program', async () => {
    const name = newName()
    const request = indexedDB.open(`combstream:${name}`, 1)
    request.onupgradeneeded = () => void request.result.createObjectStore('rows')
    const database = await resultOf(request)
    database.close()
    expect(await rejection(open(name))).toMatchObject({ name: 'FormatError', reason: 'magic' })
  })

  it('applies only one of two commits that each check what the other writes', async () => {
    const name = newName()
    const [one, two] = await Promise.all([open(name), open(name)])
    const [x, y] = [new Uint8Array([1]), new Uint8Array([2])]
    const commits = [
      one.metadata.commit([{ key: x, version: undefined }], [{ key: y, value: y }]),
      two.metadata.commit([{ key: y, version: undefined }], [{ key: x, value: x }]),
    ]
    expect((await Promise.all(commits)).filter((version) => version === false)).toHaveLength(1)
  })
})

/** Starts a worker that stores entries. Kills it once it has reported `count` of them. Returns their numbers by alias. */
async function storeUntilKilled(name: string, number: number, count: number): Promise<Map<string, number>> {
  const worker = new Worker('/media-page/indexeddb/storing-worker.js', { type: 'module' })
  const stored = new Map<string, number>()
  await new Promise<void>((resolve, reject) => {
    worker.onerror = ({ message }) => reject(new Error(message))
    worker.onmessage = ({ data }: MessageEvent<{ alias: string; number: number }>) => {
      stored.set(data.alias, data.number)
      if (stored.size === count) resolve()
    }
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker is not a window
    worker.postMessage({ name, worker: number })
  })
  worker.terminate()
  return stored
}

it('tells a hive of this page what a worker has changed', async () => {
  const name = newName()
  const hive = new LocalHive(new StreamStore(await open(name)))
  const reader = hive.watch({ prefix: '7/' }).getReader()
  const [stored, change] = await Promise.all([storeUntilKilled(name, 7, 1), reader.read()])
  const alias = [...stored.keys()][0]!
  expect(change.value).toEqual({ alias, etag: (await hive.stat(alias)).etag })
})

it('loses nothing that was acknowledged when workers are killed while they store, and collects what they leave', async () => {
  const name = newName()
  const killed = await Promise.all([1, 2, 3].map((number) => storeUntilKilled(name, number, 3 + 2 * number)))
  const backend = await open(name)
  const store = new StreamStore(backend, { blockSize: BLOCK_SIZE, host: hastyHost(systemHost) })
  const hive = new LocalHive(store)
  expect((await inspectStore(backend)).problems.filter((problem) => !problem.startsWith('no row names'))).toEqual([])
  await store.collectGarbage({ graceMs: 0 })
  await store.scrub({ repair: true, graceMs: 0 })
  await store.collectGarbage({ graceMs: 0 })
  for (const [alias, number] of killed.flatMap((stored) => [...stored])) {
    expect(difference(await collect((await hive.open(alias)).stream()), contentOf(number))).toBeUndefined()
  }
  const { problems, unfinished, objects } = await inspectStore(backend)
  expect([problems, unfinished]).toEqual([[], []])

  for (const { alias } of (await hive.list()).entries) await hive.remove(alias)
  for (let i = 0; i < 2; i++) await store.collectGarbage({ graceMs: 0 })
  expect(objects).toBeGreaterThan(0)
  expect((await backend.blocks.list({ prefix: '', limit: 10 })).length).toBe(0)
})

/** Sends a command of the Chrome DevTools Protocol. */
const send = (method: string, params: object): Promise<unknown> =>
  (cdp() as unknown as { send(method: string, params: object): Promise<unknown> }).send(method, params)

it.runIf(server.browser === 'chromium')(
  'fails with a BackendError when the browser deletes the data of the origin, which only Chromium does on command',
  async () => {
    const backend = await open()
    await backend.metadata.commit([], [{ key: KEY, value: KEY }])
    await send('Storage.clearDataForOrigin', { origin: location.origin, storageTypes: 'indexeddb' })
    expect(await rejection(backend.metadata.get(KEY))).toMatchObject({ name: 'BackendError', retryable: false })
  },
)

hiveSuite(
  'LocalHive on IndexedDB',
  async () => {
    const name = newName()
    const hive = async (): Promise<LocalHive> => new LocalHive(new StreamStore(await open(name), { blockSize: 1_000 }))
    return { hive: await hive(), other: await hive() }
  },
  // Each browser runs all cases of the backend itself.
  { isDealt: true },
)

healingSuite(
  'a content in IndexedDB',
  async () => {
    const backend = await open()
    return { backend, harm: (object, harm) => harmThrough(backend, object, harm) }
  },
  [{ blocks: 2, harmed: [0, 1] }],
)
