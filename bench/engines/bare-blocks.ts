/** A place for blocks, used as plainly as possible. */
export interface BareBlocks {
  write(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>
  read(name: string): Promise<Uint8Array>
  /** Removes all blocks. */
  remove(): Promise<void>
}

const STORE = 'blocks'

/** An object store of IndexedDB: one strict transaction for each block. */
export async function bareIndexedDb(name: string): Promise<BareBlocks> {
  const request = indexedDB.open(name)
  request.onupgradeneeded = () => void request.result.createObjectStore(STORE)
  const database = await resultOf(request)
  return {
    write: (key, bytes) =>
      new Promise((resolve, reject) => {
        const transaction = database.transaction(STORE, 'readwrite', { durability: 'strict' })
        // Else the whole buffer would be stored.
        transaction.objectStore(STORE).put(bytes.slice(), key)
        transaction.oncomplete = () => resolve()
        transaction.onabort = () => reject(transaction.error!)
      }),
    read: (key) => resultOf<Uint8Array>(database.transaction(STORE).objectStore(STORE).get(key)),
    async remove() {
      database.close()
      await resultOf(indexedDB.deleteDatabase(name))
    },
  }
}

/** Files in one directory of the origin-private file system. */
export async function bareOpfs(name: string): Promise<BareBlocks> {
  const root = await navigator.storage.getDirectory()
  const directory = await root.getDirectoryHandle(name, { create: true })
  return {
    async write(key, bytes) {
      const writer = await (await directory.getFileHandle(key, { create: true })).createWritable()
      await writer.write(bytes)
      await writer.close()
    },
    async read(key) {
      const file = await (await directory.getFileHandle(key)).getFile()
      return new Uint8Array(await file.arrayBuffer())
    },
    remove: () => root.removeEntry(name, { recursive: true }),
  }
}

function resultOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error!)
  })
}
