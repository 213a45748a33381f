import { vi } from 'vitest'
import { cdp, server } from 'vitest/browser'

/** The part of a session of Chromium's developer tools that is used here. */
interface Session {
  send(method: string, parameters?: object): Promise<void>
}

/** The parts of Chromium's storage buckets that are used here (WICG Storage Buckets). */
interface StorageBuckets {
  open(
    name: string,
    options: { quota: number },
  ): Promise<{ readonly indexedDB: IDBFactory; getDirectory(): Promise<FileSystemDirectoryHandle> }>
  delete(name: string): Promise<void>
}

/** Runs in a worker, where files can be made longer without writing them. */
const FILL = `onmessage = async ({ data }) => {
  try {
    const root = await navigator.storage.getDirectory()
    const file = await (await root.getFileHandle('fill', { create: true })).createSyncAccessHandle()
    const { quota, usage } = await navigator.storage.estimate()
    file.truncate(quota - usage - data)
    file.close()
    postMessage('filled')
  } catch (error) {
    postMessage(String(error))
  }
}`

/**
 * Makes this page store what it opens from now on in a bucket with so little room, and returns what ends that. Only Chromium has
 * buckets. What other tests have stored, or have just deleted, does not count in one.
 */
export async function storeInSmallBucket(bytes: number): Promise<() => Promise<void>> {
  const { storageBuckets } = navigator as Navigator & { storageBuckets: StorageBuckets }
  const name = `small-${crypto.randomUUID()}`
  const bucket = await storageBuckets.open(name, { quota: bytes })
  const spies = [
    vi.spyOn(navigator.storage, 'getDirectory').mockImplementation(() => bucket.getDirectory()),
    vi.spyOn(globalThis, 'indexedDB', 'get').mockReturnValue(bucket.indexedDB),
  ]
  return async () => {
    for (const spy of spies) spy.mockRestore()
    await storageBuckets.delete(name)
  }
}

/**
 * Lets Chromium store only so many bytes more for this site, and returns what ends that. It must be called before a database is
 * opened, because Chromium remembers how much room there is.
 */
export async function limitStorage(bytes: number): Promise<(() => Promise<void>) | undefined> {
  if (server.browser !== 'chromium') return undefined
  const session = cdp() as unknown as Session
  const { usage = 0 } = await navigator.storage.estimate()
  const { origin } = location
  await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: usage + bytes })
  return () => session.send('Storage.overrideQuotaForOrigin', { origin })
}

/**
 * Uses up all the room that the browser has for this site, and returns what makes room again. In Chromium, it stores `noise`
 * again and again; in Firefox, which has gigabytes, it makes a file longer without writing it, and can leave some bytes.
 */
export async function fillStorage(window: Window, noise: Uint8Array, left = 0): Promise<() => Promise<void>> {
  return server.browser === 'chromium' ? fillDatabase(noise) : fillFile(window, left)
}

async function fillDatabase(noise: Uint8Array): Promise<() => Promise<void>> {
  const name = 'fill'
  const opening = indexedDB.open(name)
  opening.onupgradeneeded = () => opening.result.createObjectStore(name)
  const database = await new Promise<IDBDatabase>((resolve, reject) => {
    opening.onsuccess = () => resolve(opening.result)
    opening.onerror = () => reject(opening.error!)
  })
  for (let size = noise.byteLength, key = 0; size > 10_000; key++) {
    const transaction = database.transaction(name, 'readwrite')
    transaction.objectStore(name).put(noise.slice(0, size), key)
    const failure = await new Promise<DOMException | null>((resolve) => {
      transaction.oncomplete = () => resolve(null)
      transaction.onabort = () => resolve(transaction.error)
    })
    if (failure && failure.name !== 'QuotaExceededError') throw failure
    if (failure) size = Math.floor(size / 4)
  }
  database.close()
  return () =>
    new Promise((resolve, reject) => {
      const request = indexedDB.deleteDatabase(name)
      request.onsuccess = () => resolve()
      request.onerror = () => reject(request.error!)
    })
}

async function fillFile(window: Window, left: number): Promise<() => Promise<void>> {
  const { Worker, URL, Blob } = window as Window & Pick<typeof globalThis, 'Worker' | 'URL' | 'Blob'>
  const script = URL.createObjectURL(new Blob([FILL], { type: 'text/javascript' }))
  const filler = new Worker(script)
  const said = new Promise((resolve) => filler.addEventListener('message', ({ data }) => resolve(data), { once: true }))
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker is not a window
  filler.postMessage(left)
  if ((await said) !== 'filled') throw new Error(`the storage cannot be filled: ${String(await said)}`)
  filler.terminate()
  URL.revokeObjectURL(script)
  return async () => (await window.navigator.storage.getDirectory()).removeEntry('fill')
}
