/** A place for blocks, used as plainly as possible. */
export interface BareBlocks {
  write(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>
  read(name: string): Promise<Uint8Array>
  /** Reads a row of IndexedDB. */
  readRow(): Promise<unknown>
  /** Removes all blocks. */
  remove(): Promise<void>
}

const STORE = 'blocks'
const ROWS = 'rows'
const ROW_KEY = 'row'
/** About as many bytes as the rows of a commit of blocks have. */
const ROW = new Uint8Array(1000)

/** An object store of IndexedDB: one strict transaction for each block. */
export async function bareIndexedDb(name: string): Promise<BareBlocks> {
  const request = indexedDB.open(name)
  request.onupgradeneeded = () => {
    request.result.createObjectStore(STORE)
    request.result.createObjectStore(ROWS).put(ROW, ROW_KEY)
  }
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
    readRow: () => resultOf(database.transaction(ROWS).objectStore(ROWS).get(ROW_KEY)),
    async remove() {
      database.close()
      await resultOf(indexedDB.deleteDatabase(name))
    },
  }
}

/** As many blocks as a store describes in one commit. */
const BLOCKS_PER_ROW = 8

/**
 * Files in one directory of the origin-private file system, and a row in IndexedDB for every so many of them, which is strict:
 * the file system does not say when a file is on the disk.
 */
export async function bareOpfs(name: string): Promise<BareBlocks> {
  const root = await navigator.storage.getDirectory()
  const directory = await root.getDirectoryHandle(name, { create: true })
  const rows = await bareIndexedDb(name)
  let written = 0
  return {
    async write(key, bytes) {
      const writer = await (await directory.getFileHandle(key, { create: true })).createWritable()
      await writer.write(bytes)
      await writer.close()
      if (++written % BLOCKS_PER_ROW === 0) await rows.write(key, ROW)
    },
    async read(key) {
      const file = await (await directory.getFileHandle(key)).getFile()
      return new Uint8Array(await file.arrayBuffer())
    },
    readRow: () => rows.readRow(),
    async remove() {
      await rows.remove()
      await root.removeEntry(name, { recursive: true })
    },
  }
}

function resultOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error!)
  })
}
