import { copyBytes } from '../../bytes/byte-order.ts'
import { BackendError, QuotaExceededError } from '../../errors.ts'
import type { BackendCallOptions, Blocks, GetBlockOptions, ListBlocksOptions, ObjectInfo } from '../../store/backend.ts'
import { listNames, type ObjectTree, placeOf } from '../files/object-tree.ts'
import { EarlyFiles } from './early-files.ts'
import { keepHandle } from './keep-handle.ts'
import { joinWriteThread } from './write-thread.ts'

/** How often a put or a deletion is tried while others remove the directory because it was empty: for half a second. */
const MAX_ATTEMPTS = 10

/** Why a directory cannot be removed or used: it is not empty, or somebody uses it, removes it, or has removed it. */
const STAYS = new Set(['InvalidModificationError', 'NoModificationAllowedError', 'NotFoundError'])

/** Why no file could be made, until the directory is made anew: in a directory that is gone, Firefox says `UnknownError`. */
const MOVED = new Set([...STAYS, 'UnknownError'])

/**
 * Objects as files `<stem>/<fan>/<name>` of the origin-private file system (WHATWG File System). A file that is empty counts as
 * absent. It gets its bytes when its writer is closed, all at once; if a worker writes it, while that writes, so that a worker or
 * tab which is killed may leave a part of an object whose put has not resolved. Directories are removed with their last file.
 */
export class OpfsBlocks implements Blocks {
  readonly #root: FileSystemDirectoryHandle
  readonly #tree: ObjectTree
  readonly #thread = joinWriteThread()
  readonly #early = new EarlyFiles((name) => this.#file(name))
  /** Directories that were made or found, by their path, since each step of a path costs as much as a small file. */
  readonly #known = new Map<string, FileSystemDirectoryHandle>()
  /** For directories in which objects were deleted: one of those that remained. */
  readonly #remaining = new Map<string, string>()
  /** For directories in which objects have just been deleted: the last of the calls that remove them if they are empty. */
  readonly #tidying = new Map<string, Promise<void>>()
  #closed = false

  constructor(root: FileSystemDirectoryHandle) {
    this.#root = root
    this.#tree = { names: (...path) => this.#names(path), objectOf: (file) => file }
  }

  put(name: string, bytes: Uint8Array, { signal }: BackendCallOptions = {}): Promise<void> {
    return this.#call(`cannot store object ${name}`, signal, () =>
      this.#thread.use((isReady) =>
        isReady ? this.#putInThread(name, bytes, signal) : this.#putHere(name, bytes, signal),
      ),
    )
  }

  async #putHere(name: string, bytes: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    const { directory, opened: writer } = await this.#inDirectory(name, (parent) => writerIn(parent, name))
    try {
      // The writer copies them; a copy here would cost as much again.
      await writer.write(plainBytes(bytes))
      signal?.throwIfAborted()
    } catch (error) {
      await writer.abort(error).catch(() => undefined)
      await directory.removeEntry(name).catch(() => undefined)
      throw error
    }
    await writer.close()
  }

  async #putInThread(name: string, bytes: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    const { opened: outcome } = await this.#inDirectory(name, (directory) => {
      signal?.throwIfAborted()
      return this.#thread.write(directory, name, bytes)
    })
    if (outcome === 'exists') throw exists(name)
  }

  get(name: string, { signal, next = [] }: GetBlockOptions = {}): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#call(`cannot read object ${name}`, signal, async () => {
      const early = await this.#early.take(name)
      // If the file that was opened early cannot be read, what is there now counts.
      const read = early && (await this.#read(early, next).catch(() => undefined))
      const bytes = read ?? (await this.#read(await this.#file(name), next))
      return bytes && new Uint8Array(bytes)
    })
  }

  /** Reads a file, unless it has been deleted, and opens those that are read next meanwhile. */
  #read(file: File | undefined, next: readonly string[]): Promise<ArrayBuffer | undefined> {
    const bytes = orAbsent(file?.arrayBuffer())
    if (!this.#closed) this.#early.open(next)
    return bytes
  }

  size(name: string, { signal }: BackendCallOptions = {}): Promise<number | undefined> {
    return this.#call(`cannot look at object ${name}`, signal, async () => (await this.#file(name))?.size)
  }

  delete(name: string, { signal }: BackendCallOptions = {}): Promise<void> {
    return this.#call(`cannot delete object ${name}`, signal, async () => {
      const directory = await this.#directoryOf(name, false)
      if (directory) await removeFile(directory, name)
      // A browser may read the bytes of a file that has been removed.
      this.#early.drop(name)
      if (directory) await this.#removeIfEmpty(name)
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
    if (!this.#closed) this.#thread.leave()
    this.#closed = true
    this.#early.clear()
  }

  /** The file of an object; undefined if there is none, or if it has not been written. */
  async #file(name: string): Promise<File | undefined> {
    const file = await this.#entry(name)
    return file && file.size > 0 ? file : undefined
  }

  /** The file of an object, even if it has not been written. */
  async #entry(name: string): Promise<File | undefined> {
    const directory = await this.#directoryOf(name, false)
    const handle = await orAbsent(directory?.getFileHandle(name))
    return handle && orAbsent(keepHandle(handle, handle.getFile()))
  }

  /** Makes the directory of an object, and opens something in it. */
  async #inDirectory<T>(
    name: string,
    open: (directory: FileSystemDirectoryHandle) => Promise<T>,
  ): Promise<{ directory: FileSystemDirectoryHandle; opened: T }> {
    for (let attempt = 1; ; attempt++) {
      const directory = await this.#directoryOf(name, true)
      try {
        if (directory) return { directory, opened: await open(directory) }
      } catch (error) {
        // The reason of a signal may be anything.
        if (!MOVED.has((error as Error | null)?.name ?? '') || attempt === MAX_ATTEMPTS) throw error
        await pauseAfter(attempt)
      }
      // Somebody removes the directory, or has removed it.
      this.#known.clear()
      if (attempt === MAX_ATTEMPTS) throw new DOMException('its directory has been deleted', 'NotFoundError')
    }
  }

  /**
   * Removes the directories of an object that has been deleted, if they are empty. Calls for the same directory run one
   * after the other. So if one finds an object that is being deleted, the call for that object is still to come.
   */
  async #removeIfEmpty(name: string): Promise<void> {
    const { stem, fan } = placeOf(name)
    const path = `${stem}/${fan}`
    const tidy = (): Promise<void> => this.#tidy(name, path)
    const tidying = this.#tidying.get(path)?.then(tidy, tidy) ?? tidy()
    this.#tidying.set(path, tidying)
    try {
      await tidying
    } finally {
      if (this.#tidying.get(path) === tidying) this.#tidying.delete(path)
    }
  }

  /** A directory is not listed again while one of the names in it is not known to be deleted. */
  async #tidy(name: string, path: string): Promise<void> {
    const { stem, fan } = placeOf(name)
    const remaining = this.#remaining.get(path)
    if (remaining !== undefined && remaining !== name) return
    // Even an attempt at a removal disturbs those who write there.
    const last = (await this.#names([stem, fan])).at(-1)
    if (last !== undefined) {
      this.#remaining.set(path, this.#tree.objectOf(last))
      return
    }
    this.#remaining.delete(path)
    try {
      await (await this.#directory([stem], false))?.removeEntry(fan)
      this.#known.delete(path)
      await this.#root.removeEntry(stem)
      this.#known.delete(stem)
    } catch (error) {
      if (!STAYS.has((error as Error).name)) throw error
    }
  }

  #directoryOf(name: string, create: boolean): Promise<FileSystemDirectoryHandle | undefined> {
    const { stem, fan } = placeOf(name)
    return this.#directory([stem, fan], create)
  }

  async #directory(path: readonly string[], create: boolean): Promise<FileSystemDirectoryHandle | undefined> {
    const key = path.join('/')
    const known = path.length === 0 ? this.#root : this.#known.get(key)
    if (known) return known
    const parent = await this.#directory(path.slice(0, -1), create)
    const found = await orAbsent(parent?.getDirectoryHandle(path.at(-1)!, { create }))
    if (found) this.#known.set(key, found)
    return found
  }

  async #names(path: readonly string[]): Promise<string[]> {
    const directory = await this.#directory(path, false)
    const names: string[] = []
    try {
      if (directory) for await (const name of (directory as IterableDirectory).keys()) names.push(name)
    } catch (error) {
      if ((error as Error).name !== 'NotFoundError') throw error
    }
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

/** The writer takes no memory that threads share. */
function plainBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : copyBytes(bytes)
}

/** Opens a writer for a new file, or one that has no bytes yet. */
async function writerIn(directory: FileSystemDirectoryHandle, name: string): Promise<FileSystemWritableFileStream> {
  // At the same time, because each step takes as long as a small file. Whether there was a file costs less than its length.
  const [known, handle] = await Promise.all([
    orAbsent(directory.getFileHandle(name)),
    directory.getFileHandle(name, { create: true }),
  ])
  const file = known && (await orAbsent(keepHandle(known, known.getFile())))
  if (file && file.size > 0) throw exists(name)
  return keepHandle(handle, handle.createWritable())
}

function exists(name: string): BackendError {
  return new BackendError(`object ${name} exists`, { retryable: false })
}

/** Whether somebody is writing a file, or removing its directory. */
function isLocked(error: unknown): boolean {
  return (error as Error).name === 'NoModificationAllowedError'
}

/** Removes a file, if it exists. Somebody may be removing its directory, which then takes no change. */
async function removeFile(directory: FileSystemDirectoryHandle, file: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await orAbsent(directory.removeEntry(file))
    } catch (error) {
      if (!isLocked(error) || attempt === MAX_ATTEMPTS) throw error
      await pauseAfter(attempt)
    }
  }
}

/** Gives others time: on a busy machine, removing a directory takes longer than several attempts. */
function pauseAfter(attempt: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 2 ** (attempt - 1)))
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
