import { copyBytes } from '../../bytes/byte-order.ts'
import { BackendError, QuotaExceededError } from '../../errors.ts'
import type { BackendCallOptions, Blocks, GetBlockOptions, ListBlocksOptions, ObjectInfo } from '../../store/backend.ts'
import { listNames, type ObjectTree, placeOf } from '../files/object-tree.ts'

/**
 * Objects as files `<stem>/<fan>/<name>` of the origin-private file system (WHATWG File System). A file gets its bytes
 * when its writer is closed, all at once. Before that it is empty, and counts as absent.
 */
export class OpfsBlocks implements Blocks {
  readonly #root: FileSystemDirectoryHandle
  readonly #tree: ObjectTree
  #closed = false

  constructor(root: FileSystemDirectoryHandle) {
    this.#root = root
    this.#tree = { names: (...path) => this.#names(path), objectOf: (file) => file }
  }

  put(name: string, bytes: Uint8Array, { signal }: BackendCallOptions = {}): Promise<void> {
    return this.#call(`cannot store object ${name}`, signal, async () => {
      const directory = await this.#directoryOf(name, true)
      if (!directory) {
        throw new BackendError(`cannot store object ${name}: its directory has been deleted`, { retryable: false })
      }
      const handle = await directory.getFileHandle(name, { create: true })
      if ((await handle.getFile()).size > 0) throw new BackendError(`object ${name} exists`, { retryable: false })
      const writer = await handle.createWritable()
      try {
        await writer.write(copyBytes(bytes))
        signal?.throwIfAborted()
      } catch (error) {
        await writer.abort(error).catch(() => undefined)
        await directory.removeEntry(name).catch(() => undefined)
        throw error
      }
      await writer.close()
    })
  }

  get(name: string, { signal }: GetBlockOptions = {}): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#call(`cannot read object ${name}`, signal, async () => {
      const file = await this.#file(name)
      // It may be deleted now.
      const bytes = await orAbsent(file?.arrayBuffer())
      return bytes && new Uint8Array(bytes)
    })
  }

  size(name: string, { signal }: BackendCallOptions = {}): Promise<number | undefined> {
    return this.#call(`cannot look at object ${name}`, signal, async () => (await this.#file(name))?.size)
  }

  delete(name: string, { signal }: BackendCallOptions = {}): Promise<void> {
    return this.#call(`cannot delete object ${name}`, signal, async () => {
      await orAbsent(this.#directoryOf(name, false).then((directory) => directory?.removeEntry(name)))
    })
  }

  list({ prefix, after = '', limit, signal }: ListBlocksOptions): Promise<ObjectInfo[]> {
    return this.#call('cannot list objects', signal, async () => {
      for (let last = after; ;) {
        const names = await listNames(this.#tree, { prefix, after: last, limit, signal })
        const files = await Promise.all(names.map((name) => this.#entry(name)))
        const found = files.flatMap((file, index) => (file ? [{ name: names[index]!, size: file.size }] : []))
        // Objects that were deleted since are left out; but an empty answer would mean that no more follow.
        if (found.length > 0 || names.length === 0) return found
        last = names.at(-1)!
      }
    })
  }

  /** Refuses later calls. */
  close(): void {
    this.#closed = true
  }

  /** The file of an object; undefined if there is none, or if it has not been written. */
  async #file(name: string): Promise<File | undefined> {
    const file = await this.#entry(name)
    return file && file.size > 0 ? file : undefined
  }

  async #entry(name: string): Promise<File | undefined> {
    const directory = await this.#directoryOf(name, false)
    const handle = await orAbsent(directory?.getFileHandle(name))
    return orAbsent(handle?.getFile())
  }

  async #directoryOf(name: string, create: boolean): Promise<FileSystemDirectoryHandle | undefined> {
    const { stem, fan } = placeOf(name)
    return this.#directory([stem, fan], create)
  }

  async #directory(path: readonly string[], create: boolean): Promise<FileSystemDirectoryHandle | undefined> {
    let directory: FileSystemDirectoryHandle | undefined = this.#root
    for (const part of path) directory = await orAbsent(directory?.getDirectoryHandle(part, { create }))
    return directory
  }

  async #names(path: readonly string[]): Promise<string[]> {
    const directory = await this.#directory(path, false)
    const names: string[] = []
    if (directory) for await (const name of (directory as IterableDirectory).keys()) names.push(name)
    return names
  }

  async #call<T>(what: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    signal?.throwIfAborted()
    if (this.#closed) throw new TypeError('the backend is closed')
    try {
      return await work()
    } catch (error) {
      if (signal?.aborted && error === signal.reason) throw error
      throw opfsError(error, what)
    }
  }
}

/** The library `dom` lacks its iterators (WHATWG File System, section 2.6). */
interface IterableDirectory {
  keys(): AsyncIterableIterator<string>
}

/** Undefined if something does not exist, or no longer does. */
async function orAbsent<T>(promise: Promise<T> | undefined): Promise<T | undefined> {
  try {
    return await promise
  } catch (error) {
    if ((error as Error).name === 'NotFoundError') return undefined
    throw error
  }
}

function opfsError(error: unknown, what: string): unknown {
  const { name, message } = error as Error
  if (name === 'TypeError' || name === 'BackendError') return error
  const text = `${what}: ${message}`
  if (name === 'QuotaExceededError') return new QuotaExceededError(text, { cause: error })
  // NoModificationAllowedError: another tab has a lock on the file; InvalidStateError: the file changed underneath.
  const retryable = name === 'NoModificationAllowedError' || name === 'InvalidStateError' || name === 'AbortError'
  return new BackendError(text, { retryable, cause: error })
}
