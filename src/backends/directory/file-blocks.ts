import { dirname, join } from 'node:path'
import { codeOf } from '../../bytes/error-code.ts'
import { BackendError } from '../../errors.ts'
import type { BackendCallOptions, Blocks, GetBlockOptions, ListBlocksOptions, ObjectInfo } from '../../store/backend.ts'
import { listNames, type ObjectTree, placeOf } from '../files/object-tree.ts'
import { engineError } from './engine-error.ts'
import type { FileCalls } from './file-calls.ts'
import { isAbsent } from './is-absent.ts'
import { namesIn } from './names-in.ts'
import { sizeOf } from './size-of.ts'
import { DirectorySync } from './sync-directory.ts'
import { readWholeFile, removeFile, writeNewFile } from './whole-files.ts'

/** Ends the name of a file that is being written. Names of objects do not contain it, and `delete` knows it. */
const TEMPORARY = '~'

/** How the objects are opened. */
export interface FileBlocksOptions {
  /** Whether nothing is ever written. */
  readonly readOnly: boolean
}

/**
 * Objects as files `<stem>/<fan>/<name>`. The objects of one upload are in one directory, whose sync their puts share.
 */
export class FileBlocks implements Blocks {
  readonly #files: FileCalls
  readonly #root: string
  readonly #readOnly: boolean
  readonly #tree: ObjectTree
  readonly #made = new Map<string, Promise<void>>()
  readonly #syncs = new Map<string, DirectorySync>()
  readonly #pending = new Set<Promise<unknown>>()
  #closed = false

  /** Uses a directory, which is created with the first object if it is absent; its parent exists. */
  constructor(files: FileCalls, root: string, { readOnly }: FileBlocksOptions) {
    this.#files = files
    this.#root = root
    this.#readOnly = readOnly
    this.#tree = {
      names: (...path) => namesIn(files, join(root, ...path)),
      objectOf: (file) => file.replace(TEMPORARY, ''),
    }
  }

  put(name: string, bytes: Uint8Array, { signal }: BackendCallOptions = {}): Promise<void> {
    return this.#call(`cannot store object ${name}`, signal, async () => {
      const { directory, path } = this.#place(name)
      this.#assertWritable()
      await this.#make(directory)
      const temporary = path + TEMPORARY
      try {
        await writeNewFile(this.#files, temporary, bytes, signal)
        signal?.throwIfAborted()
        await this.#files.rename(temporary, path)
      } catch (error) {
        await removeFile(this.#files, temporary)
        throw error
      }
      await this.#sync(directory)
    })
  }

  get(name: string, { signal, into }: GetBlockOptions = {}): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#call(`cannot read object ${name}`, signal, async () => {
      try {
        return await readWholeFile(this.#files, this.#place(name).path, { signal, into })
      } catch (error) {
        if (isAbsent(error)) return undefined
        throw error
      }
    })
  }

  size(name: string, { signal }: BackendCallOptions = {}): Promise<number | undefined> {
    return this.#call(`cannot look at object ${name}`, signal, () => sizeOf(this.#files, this.#place(name).path))
  }

  delete(name: string, { signal }: BackendCallOptions = {}): Promise<void> {
    return this.#call(`cannot delete object ${name}`, signal, async () => {
      const { directory, path } = this.#place(name)
      this.#assertWritable()
      // A put that was killed may have left a file with the name of the object, which is deleted with that.
      await removeFile(this.#files, path)
      await removeFile(this.#files, path + TEMPORARY)
      try {
        // Even if it was not there: another process may have deleted it, and not synced that yet.
        await this.#sync(directory)
      } catch (error) {
        if (!isAbsent(error)) throw error
      }
    })
  }

  list({ prefix, after = '', limit, signal }: ListBlocksOptions): Promise<ObjectInfo[]> {
    return this.#call('cannot list objects', signal, async () => {
      for (let last = after; ;) {
        const names = await listNames(this.#tree, { prefix, after: last, limit, signal })
        const found: ObjectInfo[] = []
        for (const name of names) {
          signal?.throwIfAborted()
          const { path } = this.#place(name)
          const size = (await sizeOf(this.#files, path)) ?? (await sizeOf(this.#files, path + TEMPORARY))
          if (size !== undefined) found.push({ name, size })
        }
        // Objects that were deleted since are left out; but an empty answer would mean that no more follow.
        if (found.length > 0 || names.length === 0) return found
        last = names.at(-1)!
      }
    })
  }

  /** Waits for pending calls, and refuses later ones. */
  async close(): Promise<void> {
    this.#closed = true
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending)
  }

  #place(name: string): { directory: string; path: string } {
    const { stem, fan } = placeOf(name)
    const directory = join(this.#root, stem, fan)
    return { directory, path: join(directory, name) }
  }

  /** Makes a directory, and those above it up to the root, if they are absent, and makes their names durable. */
  #make(path: string): Promise<void> {
    let made = this.#made.get(path)
    if (!made) {
      made = this.#makeFirst(path)
      this.#made.set(path, made)
      made.catch(() => this.#made.delete(path))
    }
    return made
  }

  async #makeFirst(path: string): Promise<void> {
    if (path !== this.#root) await this.#make(dirname(path))
    try {
      await this.#files.mkdir(path)
    } catch (error) {
      // Another process may have made it, and not synced it yet.
      if (codeOf(error) !== 'EEXIST') {
        // The parent is gone, or is not a directory.
        this.#made.delete(dirname(path))
        throw error
      }
    }
    await this.#sync(dirname(path))
  }

  /** Makes the names in a directory durable. */
  #sync(directory: string): Promise<void> {
    let names = this.#syncs.get(directory)
    if (!names) {
      names = new DirectorySync(this.#files, directory)
      this.#syncs.set(directory, names)
    }
    return names.sync()
  }

  #assertWritable(): void {
    if (this.#readOnly) throw new BackendError('the hive is open for reading only', { retryable: false })
  }

  async #call<T>(what: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    signal?.throwIfAborted()
    if (this.#closed) throw new TypeError('the backend is closed')
    const result = work()
    const settled: Promise<unknown> = result.then(
      () => this.#pending.delete(settled),
      () => this.#pending.delete(settled),
    )
    this.#pending.add(settled)
    try {
      return await result
    } catch (error) {
      if (signal?.aborted && error === signal.reason) throw error
      throw engineError(error, what)
    }
  }
}
