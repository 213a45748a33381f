import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { browserBackend } from '../src/backends/browser.ts'
import { indexedDbBackend } from '../src/backends/indexeddb.ts'
import { opfsBackend } from '../src/backends/opfs.ts'
import { collect } from '../src/bytes/collect.ts'
import { LINGER_MS } from '../src/bytes/lingering.ts'
import { LocalHive } from '../src/hive/local-hive.ts'
import { type Backend, StreamStore } from '../src/store.ts'
import { type BackendCase, backendCases } from '../src/testing.ts'
import { harmThrough, healingSuite } from '../node-tests/support/healing-suite.ts'
import { difference } from '../node-tests/support/jobs.ts'
import { sample, wholeOr } from '../node-tests/support/sample.ts'
import { settledBackend } from '../node-tests/support/settled-backend.ts'
import { randomBytes, rejection } from '../node-tests/support/streams.ts'
import { storeInSmallBucket } from './support/fill-storage.ts'

/** WebKitGTK has no such file system. */
const HAS_OPFS = 'createWritable' in (globalThis.FileSystemFileHandle?.prototype ?? {})
const KEY = new Uint8Array([1])

/** Where a worker writes blocks, as soon as a few of them are put at a time. */
const HAS_WRITE_THREAD = HAS_OPFS && 'userAgentData' in navigator
const PageWorker = globalThis.Worker

let makeRoom: (() => Promise<void>) | undefined
const names: string[] = []
const backends: Backend[] = []

function newName(): string {
  const name = `test/${crypto.randomUUID()} ü`
  names.push(name)
  return name
}

function opened<T extends Backend>(backend: T): T {
  backends.push(backend)
  return backend
}

const open = async (name = newName()): Promise<Backend> => opened(await opfsBackend(name))

/** A worker that says what it was asked to write. */
class WatchedWorker extends PageWorker {
  static last: WatchedWorker
  readonly written: string[] = []
  readonly isReady: Promise<unknown>
  isTerminated = false

  constructor(url: URL | string, options?: WorkerOptions) {
    super(url, options)
    // After the backend has got the message, too.
    this.isReady = new Promise((resolve) => this.addEventListener('message', () => setTimeout(resolve), { once: true }))
    WatchedWorker.last = this
  }

  override postMessage(message: unknown, options?: StructuredSerializeOptions | Transferable[]): void {
    this.written.push((message as { name: string }).name)
    super.postMessage(message, options as Transferable[])
  }

  override terminate(): void {
    this.isTerminated = true
    super.terminate()
  }
}

/** Puts several objects at a time, and deletes them one after the other, so that no directory is left. */
async function putSeveral({ blocks }: Backend): Promise<void> {
  const several = ['w.01', 'w.02', 'w.03', 'w.04']
  await Promise.all(several.map((name) => blocks.put(name, KEY)))
  for (const name of several) await blocks.delete(name)
}

/** A backend whose blocks a worker writes. */
async function openWithWorker(name = newName()): Promise<{ backend: Backend; worker: WatchedWorker }> {
  vi.stubGlobal('Worker', WatchedWorker)
  const backend = await open(name)
  await putSeveral(backend)
  const worker = WatchedWorker.last
  await worker.isReady
  return { backend, worker }
}

async function filesOf(name: string): Promise<FileSystemDirectoryHandle> {
  const root = await (await navigator.storage.getDirectory()).getDirectoryHandle('combstream')
  return root.getDirectoryHandle(encodeURIComponent(name))
}

/** The paths of everything in a directory. */
async function treeOf(directory: FileSystemDirectoryHandle, path = ''): Promise<string[]> {
  const found: string[] = []
  const entries = (directory as unknown as { values(): AsyncIterable<FileSystemHandle> }).values()
  for await (const entry of entries) {
    found.push(path + entry.name)
    if (entry.kind === 'directory') {
      found.push(...(await treeOf(entry as FileSystemDirectoryHandle, `${path}${entry.name}/`)))
    }
  }
  return found.toSorted()
}

async function remove(name: string): Promise<void> {
  const request = indexedDB.deleteDatabase(`combstream:${name}`)
  await new Promise((resolve, reject) => {
    request.onsuccess = resolve
    request.onerror = () => reject(request.error!)
  })
  if (!HAS_OPFS) return
  const root = await (await navigator.storage.getDirectory()).getDirectoryHandle('combstream', { create: true })
  await root.removeEntry(encodeURIComponent(name), { recursive: true }).catch(() => undefined)
}

/** Ends the workers that nobody needs. */
const lingering: (() => void)[] = []

function linger(): void {
  for (const end of lingering.splice(0)) end()
}

beforeEach(() => {
  const { setTimeout } = globalThis
  vi.stubGlobal('setTimeout', (run: () => void, ms?: number) => {
    return ms === LINGER_MS ? lingering.push(run) : setTimeout(run, ms)
  })
})

afterEach(async () => {
  vi.restoreAllMocks()
  await Promise.all(backends.splice(0).map((backend) => backend.close()))
  linger()
  vi.unstubAllGlobals()
  await makeRoom?.()
  makeRoom = undefined
  await Promise.all(names.splice(0).map(remove))
})

/** Its rows are those of the backend for IndexedDB, which is tested with the same cases. */
function ofBlocks(cases: readonly BackendCase[]): readonly BackendCase[] {
  return wholeOr(
    cases,
    cases.filter(({ name }) => !name.startsWith('metadata: ')),
  )
}

describe.runIf(HAS_OPFS)('opfsBackend', () => {
  const reopen = (): Promise<Backend> => open(names.at(-1))
  it.each(ofBlocks(backendCases(() => open(), { reopen })))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })

  const openWithFaults = async (): Promise<Backend> =>
    settledBackend(HAS_WRITE_THREAD ? (await openWithWorker()).backend : await open())
  const withFaults = backendCases(openWithFaults, { reopen })
  // Of the browsers with this file system, Firefox runs one of the two parts and Chromium the other.
  it.each(sample(ofBlocks(withFaults), 2))('$name, with faults', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })

  it('fails with a QuotaExceededError when there is no space for its directory', async () => {
    const name = newName()
    for (const create of [() => opfsBackend(name), () => browserBackend(name, { prefer: 'opfs' })]) {
      const cause = new DOMException('the disk is full', 'QuotaExceededError')
      vi.spyOn(FileSystemDirectoryHandle.prototype, 'getDirectoryHandle').mockRejectedValueOnce(cause)
      expect(await rejection(create())).toMatchObject({ name: 'QuotaExceededError', cause })
    }
    expect((await indexedDB.databases()).map((database) => database.name)).not.toContain(`combstream:${name}`)
  })

  it('keeps rows and objects when it is closed', async () => {
    const name = newName()
    const bytes = randomBytes(100_000)
    const store = new StreamStore(await open(name), { blockSize: 30_000 })
    await new Blob([bytes]).stream().pipeTo(new LocalHive(store).sink('x'))
    await store.close()
    const hive = new LocalHive(new StreamStore(await open(name)))
    expect(difference(await collect((await hive.open('x')).stream()), bytes)).toBeUndefined()
  })

  it('lists a file that has not been written, which is not an object yet, and deletes it', async () => {
    const name = newName()
    const { blocks } = await open(name)
    await blocks.put('o.0011', KEY)
    const fan = await (await (await filesOf(name)).getDirectoryHandle('o')).getDirectoryHandle('00')
    await fan.getFileHandle('o.0022', { create: true })
    expect(await blocks.list({ prefix: '', limit: 10 })).toEqual([
      { name: 'o.0011', size: 1 },
      { name: 'o.0022', size: 0 },
    ])
    expect([await blocks.get('o.0022'), await blocks.size('o.0022')]).toEqual([undefined, undefined])
    await blocks.delete('o.0022')
    expect(await blocks.list({ prefix: '', limit: 10 })).toHaveLength(1)
  })

  it('removes a directory with its last file', async () => {
    const name = newName()
    const { blocks } = await open(name)
    const files = await filesOf(name)
    for (const object of ['o.0011', 'o.0022', 'o.1111', 'plain']) await blocks.put(object, KEY)
    expect(await treeOf(files)).toEqual([
      '_',
      '_/pl',
      '_/pl/plain',
      'o',
      'o/00',
      'o/00/o.0011',
      'o/00/o.0022',
      'o/11',
      'o/11/o.1111',
    ])
    await blocks.delete('o.0011')
    await blocks.delete('o.1111')
    expect(await treeOf(files)).toEqual(['_', '_/pl', '_/pl/plain', 'o', 'o/00', 'o/00/o.0022'])
    await blocks.delete('plain')
    await blocks.delete('o.0022')
    expect(await treeOf(files)).toEqual([])
  })

  it('puts an object although another tab deletes the last one of its directory meanwhile', async () => {
    const name = newName()
    const [one, other] = await Promise.all([open(name), open(name)])
    await one.blocks.put('o.0011', KEY)
    const { getFileHandle } = FileSystemDirectoryHandle.prototype
    vi.spyOn(FileSystemDirectoryHandle.prototype, 'getFileHandle').mockImplementationOnce(async function (
      this: FileSystemDirectoryHandle,
      ...file
    ) {
      await other.blocks.delete('o.0011')
      return getFileHandle.apply(this, file)
    })
    const locked = new DOMException('the directory is being removed', 'NoModificationAllowedError')
    vi.spyOn(FileSystemFileHandle.prototype, 'createWritable').mockRejectedValueOnce(locked)
    await one.blocks.put('o.0022', KEY)
    expect(await treeOf(await filesOf(name))).toEqual(['o', 'o/00', 'o/00/o.0022'])
    expect(await other.blocks.get('o.0022')).toEqual(KEY)
  })

  it('puts and deletes an object although a busy browser is slow to remove its directory', async () => {
    const { blocks } = await open()
    await blocks.put('o.0011', KEY)
    const { prototype } = FileSystemDirectoryHandle
    const { getFileHandle, removeEntry } = prototype
    const slow = { removing: true }
    const unlocked = (): void => {
      if (slow.removing) throw new DOMException('the directory is being removed', 'NoModificationAllowedError')
    }
    vi.spyOn(prototype, 'removeEntry').mockImplementation(async function (this: FileSystemDirectoryHandle, ...entry) {
      unlocked()
      return removeEntry.apply(this, entry)
    })
    vi.spyOn(prototype, 'getFileHandle').mockImplementation(async function (this: FileSystemDirectoryHandle, ...file) {
      unlocked()
      return getFileHandle.apply(this, file)
    })
    for (const change of [() => blocks.put('o.0022', KEY), () => blocks.delete('o.0011')]) {
      slow.removing = true
      // It ends after tasks of other kinds, however fast they are.
      setTimeout(() => (slow.removing = false), 50)
      await change()
    }
    slow.removing = false
    expect(await blocks.list({ prefix: '', limit: 10 })).toEqual([{ name: 'o.0022', size: 1 }])
  })

  it('fails with a BackendError when its directory is deleted while it is open', async () => {
    const name = newName()
    const { blocks } = await open(name)
    await blocks.put('o.00', KEY)
    const root = await (await navigator.storage.getDirectory()).getDirectoryHandle('combstream')
    await root.removeEntry(encodeURIComponent(name), { recursive: true })
    expect(await rejection(blocks.put('p.00', KEY))).toMatchObject({ name: 'BackendError', retryable: false })
    expect(await blocks.get('o.00')).toBeUndefined()
  })

  /** Notes the files that are opened from now on. */
  function watchFiles(): { names(): string[]; areOpen(): Promise<unknown> } {
    const getFile = vi.spyOn(FileSystemFileHandle.prototype, 'getFile')
    return {
      names: () => getFile.mock.contexts.map((handle) => (handle as FileSystemFileHandle).name),
      areOpen: () => Promise.all(getFile.mock.results.map(({ value }) => value as Promise<File>)),
    }
  }

  it('opens the files of the next objects early, each once', async () => {
    const { blocks } = await open()
    const [first, ...rest] = ['o.0011', 'o.0022', 'o.0033']
    for (const name of [first, ...rest]) await blocks.put(name, KEY)
    const files = watchFiles()
    expect(await blocks.get(first, { next: rest })).toEqual(KEY)
    await expect.poll(() => files.names()).toEqual([first, ...rest])
    for (const name of rest) expect(await blocks.get(name, { next: rest.slice(rest.indexOf(name) + 1) })).toEqual(KEY)
    expect(files.names()).toEqual([first, ...rest])
  })

  it('finds what there is now when a file was deleted or written anew after it was opened early', async () => {
    const name = newName()
    const [{ blocks }, other] = [await open(name), await open(name)]
    for (const object of ['o.0011', 'o.0022', 'o.0033']) await blocks.put(object, randomBytes(100_000))
    const files = watchFiles()
    await blocks.get('o.0011', { next: ['o.0022', 'o.0033'] })
    await expect.poll(() => files.names()).toHaveLength(3)
    await files.areOpen()
    await other.blocks.delete('o.0022')
    const fan = await (await (await filesOf(name)).getDirectoryHandle('o')).getDirectoryHandle('00')
    const writer = await (await fan.getFileHandle('o.0033')).createWritable()
    await writer.write(KEY)
    await writer.close()
    expect(await blocks.get('o.0022')).toBeUndefined()
    expect(await blocks.get('o.0033')).toEqual(KEY)
  })

  it('fails to read a block that was deleted after its file was opened early as if it had not been', async () => {
    const name = newName()
    const bytes = randomBytes(90_000)
    const other = await open(name)
    await new Blob([bytes]).stream().pipeTo(new LocalHive(new StreamStore(other, { blockSize: 30_000 })).sink('x'))
    const store = new StreamStore(await open(name), { inMemoryThreshold: 30_000 })
    const reader = (await new LocalHive(store).open('x')).stream().getReader()
    const files = watchFiles()
    expect((await reader.read()).value).toEqual(bytes.subarray(0, 30_000))
    await expect.poll(() => files.names()).toHaveLength(3)
    await files.areOpen()
    await other.blocks.delete(files.names()[1]!)
    expect(await rejection(reader.read())).toMatchObject({ name: 'IntegrityError', blockIndex: 1 })
  })

  it('opens no file early once it is closed', async () => {
    const { blocks, close } = await open()
    for (const name of ['o.0011', 'o.0022']) await blocks.put(name, KEY)
    const files = watchFiles()
    const reading = blocks.get('o.0011', { next: ['o.0022'] })
    await close()
    expect(await reading).toEqual(KEY)
    expect(files.names()).toEqual(['o.0011'])
  })

  it('puts a name at most once', async () => {
    const { blocks } = await open()
    await blocks.put('o.00', KEY)
    expect(await rejection(blocks.put('o.00', new Uint8Array([2])))).toMatchObject({ name: 'BackendError' })
    expect(await blocks.get('o.00')).toEqual(KEY)
  })

  it('leaves no directory of several objects that are deleted at the same time', async () => {
    const name = newName()
    const { blocks } = await open(name)
    const several = Array.from({ length: 12 }, (_, i) => `w.00${10 + i}`)
    for (let round = 0; round < 3; round++) {
      await Promise.all(several.map((object) => blocks.put(object, KEY)))
      await Promise.all(several.map((object) => blocks.delete(object)))
      expect(await treeOf(await filesOf(name))).toEqual([])
    }
  })
})

describe.runIf(HAS_WRITE_THREAD)('opfsBackend, with a worker that writes', () => {
  it('has it write when several objects are put at a time, and ends it some time after it is closed', async () => {
    const name = newName()
    const { backend, worker } = await openWithWorker(name)
    expect(worker.written).toEqual([])
    const bytes = randomBytes(9)
    const objects = ['o.0011', 'o.0022', 'p.0011']
    await Promise.all(objects.map((object, i) => backend.blocks.put(object, bytes.subarray(3 * i, 3 * i + 3))))
    expect(worker.written.toSorted()).toEqual(objects)
    expect(await treeOf(await filesOf(name))).toEqual([
      'o',
      'o/00',
      'o/00/o.0011',
      'o/00/o.0022',
      'p',
      'p/00',
      'p/00/p.0011',
    ])
    for (const [i, object] of objects.entries()) {
      expect(await backend.blocks.get(object)).toEqual(bytes.slice(3 * i, 3 * i + 3))
    }
    const last = backend.blocks.put('p.0022', KEY)
    await backend.close()
    linger()
    expect(worker.isTerminated).toBe(false)
    await last
    expect(worker.isTerminated).toBe(true)
  })

  it('has the worker of a hive that was closed write for the next one, from the first object on', async () => {
    const { backend, worker } = await openWithWorker()
    await backend.close()
    const [one, other] = [await open(), await open()]
    linger()
    await one.blocks.put('o.0011', KEY)
    expect(worker.written).toEqual(['o.0011'])
    await one.close()
    linger()
    await other.blocks.put('o.0022', KEY)
    expect(worker.written).toEqual(['o.0011', 'o.0022'])
    await other.close()
    expect(worker.isTerminated).toBe(false)
    linger()
    expect(worker.isTerminated).toBe(true)
    const { worker: next } = await openWithWorker()
    expect(next).not.toBe(worker)
  })

  const openSmall = async (): Promise<Backend> => {
    makeRoom = await storeInSmallBucket(3_000_000)
    return (await openWithWorker()).backend
  }
  it.each(backendCases(openSmall, { makeSmall: openSmall }).slice(-1))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
    expect(WatchedWorker.last.written).toContain('o.again')
  })

  it('keeps no bytes that it was given', async () => {
    const { backend } = await openWithWorker()
    const bytes = new Uint8Array([1, 2, 3])
    const put = backend.blocks.put('o.00', bytes)
    await put
    bytes.fill(9)
    await backend.blocks.put('p.00', bytes)
    expect(await backend.blocks.get('o.00')).toEqual(new Uint8Array([1, 2, 3]))
    expect(await backend.blocks.get('p.00')).toEqual(new Uint8Array([9, 9, 9]))
  })

  it('deletes what a tab that was killed has left, and puts nothing over it', async () => {
    const name = newName()
    const { backend } = await openWithWorker(name)
    await backend.blocks.put('o.0011', KEY)
    const fan = await (await (await filesOf(name)).getDirectoryHandle('o')).getDirectoryHandle('00')
    const writer = await (await fan.getFileHandle('o.0022', { create: true })).createWritable()
    await writer.write(new Uint8Array(7))
    await writer.close()
    expect(await backend.blocks.list({ prefix: '', limit: 10 })).toEqual([
      { name: 'o.0011', size: 1 },
      { name: 'o.0022', size: 7 },
    ])
    expect(await rejection(backend.blocks.put('o.0022', KEY))).toMatchObject({ name: 'BackendError', retryable: false })
    expect(await backend.blocks.get('o.0022')).toEqual(new Uint8Array(7))
    await backend.blocks.delete('o.0011')
    await backend.blocks.delete('o.0022')
    expect(await treeOf(await filesOf(name))).toEqual([])
  })

  it('puts one of several objects with the same name', async () => {
    const name = newName()
    const { backend } = await openWithWorker(name)
    for (let round = 0; round < 5; round++) {
      const object = `o.00${10 + round}`
      const contents = [1, 2, 3].map((value) => new Uint8Array(10_000 * value).fill(value))
      const puts = await Promise.allSettled(contents.map((bytes) => backend.blocks.put(object, bytes)))
      const stored = contents.filter((_, i) => puts[i]!.status === 'fulfilled')
      expect(stored).toHaveLength(1)
      expect(difference((await backend.blocks.get(object))!, stored[0]!)).toBeUndefined()
    }
  })

  it('puts objects in more directories than its worker knows at a time', async () => {
    const name = newName()
    const { backend, worker } = await openWithWorker(name)
    const objects = Array.from({ length: 150 }, (_, i) => `o.${100 + i}.00`)
    const bytes = (i: number): Uint8Array => new Uint8Array([i])
    await Promise.all(objects.map((object, i) => backend.blocks.put(object, bytes(i))))
    expect(new Set(worker.written)).toEqual(new Set(objects))
    for (const [i, object] of objects.entries()) expect(await backend.blocks.get(object)).toEqual(bytes(i))
    await backend.blocks.put('o.100.01', KEY)
    expect(await backend.blocks.get('o.100.01')).toEqual(KEY)
  })

  it('puts an object although another tab deletes the last one of its directory meanwhile', async () => {
    const name = newName()
    const { backend, worker } = await openWithWorker(name)
    const other = await open(name)
    await backend.blocks.put('o.0011', KEY)
    const { postMessage } = worker
    let deletions = 0
    const deleteFirst = async (...message: Parameters<typeof postMessage>): Promise<void> => {
      await other.blocks.delete('o.0011')
      deletions++
      postMessage.apply(worker, message)
    }
    vi.spyOn(worker, 'postMessage').mockImplementationOnce((...message: unknown[]) => {
      void deleteFirst(...(message as Parameters<typeof postMessage>))
    })
    await backend.blocks.put('o.0022', KEY)
    expect(deletions).toBe(1)
    expect(await treeOf(await filesOf(name))).toEqual(['o', 'o/00', 'o/00/o.0022'])
    expect(await other.blocks.get('o.0022')).toEqual(KEY)
  })

  it('puts a name at most once', async () => {
    const { backend } = await openWithWorker()
    await backend.blocks.put('o.0011', KEY)
    expect(await rejection(backend.blocks.put('o.0011', KEY))).toMatchObject({ name: 'BackendError', retryable: false })
    expect(await backend.blocks.get('o.0011')).toEqual(KEY)
  })

  it('fails with the reason of the signal, whatever that is', async () => {
    const { backend } = await openWithWorker()
    for (const reason of [{ reason: 'enough' }, null]) {
      const controller = new AbortController()
      const put = rejection(backend.blocks.put('o.0011', KEY, { signal: controller.signal }))
      controller.abort(reason)
      expect(await put).toBe(reason)
    }
  })

  it('keeps an object that another put of its name has not written', async () => {
    const { backend, worker } = await openWithWorker()
    await backend.blocks.put('o.0011', KEY)
    const failures = [
      (number: number, bytes: Uint8Array) => {
        const outcome = { name: 'InvalidStateError', message: 'the disk has a fault' }
        worker.onmessage!(new MessageEvent('message', { data: { kind: 'done', number, bytes, outcome } }))
      },
      () => worker.onerror!(new ErrorEvent('error', { message: 'out of memory', cancelable: true })),
    ]
    for (const fail of failures) {
      vi.spyOn(worker, 'postMessage').mockImplementationOnce((message: unknown) => {
        const { number, bytes } = message as { number: number; bytes: Uint8Array }
        fail(number, bytes)
      })
      expect(await rejection(backend.blocks.put('o.0011', new Uint8Array(9)))).toMatchObject({ retryable: true })
      expect(await backend.blocks.get('o.0011')).toEqual(KEY)
    }
  })

  it.each([
    ['there are none', undefined],
    [
      'their script is missing',
      class extends WatchedWorker {
        constructor() {
          super('/nothing/here.js', { type: 'module' })
        }
      },
    ],
  ])('writes in the page if %s', async (_, worker) => {
    vi.stubGlobal('Worker', worker)
    const { blocks } = await open()
    for (let i = 0; i < 3; i++) await putSeveral({ blocks } as Backend)
    await blocks.put('o.00', KEY)
    expect(await blocks.get('o.00')).toEqual(KEY)
  })

  it('fails when the worker has gone without an event, and writes in the page from then on', async () => {
    const { backend, worker } = await openWithWorker()
    vi.spyOn(worker, 'postMessage').mockImplementationOnce(() => PageWorker.prototype.terminate.call(worker))
    expect(await rejection(backend.blocks.put('o.00', KEY))).toMatchObject({
      name: 'BackendError',
      retryable: true,
      message: 'the worker that writes files has failed: it has gone',
    })
    await backend.blocks.put('o.00', KEY)
    expect(await backend.blocks.get('o.00')).toEqual(KEY)
  })

  it('fails when the worker does, and writes in the page from then on', async () => {
    const { backend, worker } = await openWithWorker()
    vi.spyOn(worker, 'postMessage').mockImplementationOnce(() => {
      worker.onerror!(new ErrorEvent('error', { message: 'out of memory', cancelable: true }))
    })
    expect(await rejection(backend.blocks.put('o.00', KEY))).toMatchObject({
      name: 'BackendError',
      retryable: true,
      message: 'the worker that writes files has failed: out of memory',
    })
    expect(worker.isTerminated).toBe(true)
    await backend.blocks.put('o.00', KEY)
    expect(await backend.blocks.get('o.00')).toEqual(KEY)
  })
})

healingSuite(
  'a content in the origin-private file system',
  async () => {
    const backend = HAS_OPFS ? await open() : opened(await indexedDbBackend(newName()))
    return { backend, harm: (object, harm) => harmThrough(backend, object, harm) }
  },
  [{ blocks: 2, harmed: [0], harms: ['lost', 'cut off', 'flipped, as a reader has found'] }],
  // WebKit has no such file system.
  (harms) => harms,
)

describe('browserBackend', () => {
  it.each([
    ['indexeddb', 'indexeddb'],
    ['opfs', HAS_OPFS ? 'opfs' : 'indexeddb'],
  ] as const)(
    'opens a hive that was created with a preference for %s where it is, whatever is preferred later',
    async (prefer, kind) => {
      const name = newName()
      const backend = opened(await browserBackend(name, { prefer }))
      expect(backend.kind).toBe(kind)
      await backend.blocks.put('o.00', KEY)
      for (const later of [undefined, 'indexeddb', 'opfs'] as const) {
        const again = opened(await browserBackend(name, { prefer: later }))
        expect(again.kind).toBe(kind)
        expect(await again.blocks.get('o.00')).toEqual(KEY)
      }
    },
  )

  it('opens no hive as if its blocks were elsewhere', async () => {
    const name = newName()
    opened(await indexedDbBackend(name))
    expect(await rejection(opfsBackend(name))).toMatchObject({
      name: HAS_OPFS ? 'FormatError' : 'BackendError',
    })
    if (!HAS_OPFS) return
    const other = newName()
    await open(other)
    expect(await rejection(indexedDbBackend(other))).toMatchObject({ name: 'FormatError', reason: 'unsupported' })
  })

  it('refuses other preferences', async () => {
    expect(await rejection(browserBackend(newName(), { prefer: 'disk' as 'opfs' }))).toMatchObject({
      name: 'TypeError',
    })
    const asBlobs = 1 as unknown as boolean
    for (const prefer of ['indexeddb', 'opfs'] as const) {
      expect(await rejection(browserBackend(newName(), { prefer, asBlobs }))).toMatchObject({ name: 'TypeError' })
    }
    expect(await rejection(indexedDbBackend(newName(), { asBlobs }))).toMatchObject({ name: 'TypeError' })
  })

  it.each(['', '\ud800', 7 as unknown as string])('refuses the name %j', async (name) => {
    for (const prefer of ['indexeddb', 'opfs'] as const) {
      expect(await rejection(browserBackend(name, { prefer }))).toMatchObject({ name: 'TypeError' })
    }
  })

  it.runIf(HAS_OPFS)('creates nothing for a name that is not a string', async () => {
    await open()
    expect(await rejection(opfsBackend(7 as unknown as string))).toMatchObject({ name: 'TypeError' })
    expect(await rejection(filesOf('7'))).toMatchObject({ name: 'NotFoundError' })
  })

  it.runIf(HAS_OPFS)('does not create a hive in the file system because IndexedDB fails', async () => {
    const failure = new DOMException('for a moment', 'UnknownError')
    vi.spyOn(IDBFactory.prototype, 'open').mockImplementationOnce(() => {
      throw failure
    })
    const name = newName()
    expect(await rejection(browserBackend(name))).toMatchObject({ name: 'BackendError', cause: failure })
    expect(opened(await browserBackend(name)).kind).toBe('indexeddb')
  })

  it.runIf(!HAS_OPFS)('creates no database for blocks that cannot be written', async () => {
    const name = newName()
    expect(await rejection(opfsBackend(name))).toMatchObject({ name: 'BackendError', retryable: false })
    expect((await indexedDB.databases()).map((database) => database.name)).not.toContain(`combstream:${name}`)
  })
})
