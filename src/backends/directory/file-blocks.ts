import { describeValue } from '../../bytes/describe-value.ts'
import { Buffer } from 'node:buffer'
import { mkdir, open, rename, rm, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '../../bytes/error-code.ts'
import { BackendError } from '../../errors.ts'
import type { BackendCallOptions, Blocks, GetBlockOptions, ListBlocksOptions, ObjectInfo } from '../../store/backend.ts'
import { engineError } from './engine-error.ts'
import { isAbsent } from './is-absent.ts'
import { namesIn } from './names-in.ts'
import { sizeOf } from './size-of.ts'
import { DirectorySync, syncDirectory } from './sync-directory.ts'

/** Stands for an empty part in the name of a directory; names of objects do not contain it. */
const EMPTY = '_'
/** Ends the name of a file that is being written. Names of objects do not contain it, and `delete` knows it. */
const TEMPORARY = '~'

/** How the objects are opened. */
export interface FileBlocksOptions {
  /** Whether nothing is ever written. */
  readonly readOnly: boolean
}

/**
 * Objects as files `<stem>/<fan>/<name>`. The stem is the part of the name before its last dot, the fan is the two
 * characters after that dot. So a directory stays small, and the objects of one upload are in one directory, whose sync
 * their puts share.
 */
export class FileBlocks implements Blocks {
  readonly #root: string
  readonly #readOnly: boolean
  readonly #directories = new Map<string, Promise<DirectorySync>>()
  readonly #pending = new Set<Promise<unknown>>()
  #closed = false

  /** Uses a directory, which is created with the first object if it is absent; its parent exists. */
  constructor(root: string, { readOnly }: FileBlocksOptions) {
    this.#root = root
    this.#readOnly = readOnly
  }

  put(name: string, bytes: Uint8Array, { signal }: BackendCallOptions = {}): Promise<void> {
    return this.#call(`cannot store object ${name}`, signal, async () => {
      const { directory, path } = this.#place(name)
      this.#assertWritable()
      const names = await this.#directory(directory)
      const temporary = path + TEMPORARY
      try {
        await writeFile(temporary, bytes, signal)
        signal?.throwIfAborted()
        await rename(temporary, path)
      } catch (error) {
        await rm(temporary, { force: true })
        throw error
      }
      await names.sync()
    })
  }

  get(name: string, { signal, into }: GetBlockOptions = {}): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#call(`cannot read object ${name}`, signal, async () => {
      try {
        return await readFile(this.#place(name).path, signal, into)
      } catch (error) {
        if (isAbsent(error)) return undefined
        throw error
      }
    })
  }

  size(name: string, { signal }: BackendCallOptions = {}): Promise<number | undefined> {
    return this.#call(`cannot look at object ${name}`, signal, () => sizeOf(this.#place(name).path))
  }

  delete(name: string, { signal }: BackendCallOptions = {}): Promise<void> {
    return this.#call(`cannot delete object ${name}`, signal, async () => {
      const { directory, path } = this.#place(name)
      this.#assertWritable()
      // A put that was killed may have left a file with the name of the object, which is deleted with that.
      const removed = [await remove(path), await remove(path + TEMPORARY)]
      if (removed.includes(true)) await (await this.#directory(directory)).sync()
    })
  }

  list({ prefix, after = '', limit, signal }: ListBlocksOptions): Promise<ObjectInfo[]> {
    return this.#call('cannot list objects', signal, async () => {
      for (let last = after; ;) {
        const names = await this.#names(prefix, last, limit, signal)
        const found: ObjectInfo[] = []
        for (const name of names) {
          signal?.throwIfAborted()
          const { path } = this.#place(name)
          const size = (await sizeOf(path)) ?? (await sizeOf(path + TEMPORARY))
          if (size !== undefined) found.push({ name, size })
        }
        // Objects that were deleted since are left out; but an empty answer would mean that no more follow.
        if (found.length > 0 || names.length === 0) return found
        last = names.at(-1)!
      }
    })
  }

  async #names(prefix: string, after: string, limit: number, signal: AbortSignal | undefined): Promise<string[]> {
    const wanted = (name: string): boolean => name.startsWith(prefix) && name > after
    const stems = (await namesIn(this.#root)).filter((stem) => isBeginning(stemStart(stem), prefix))
    const found: string[] = []
    for (const stem of stems) {
      const start = stemStart(stem)
      const fans = (await namesIn(join(this.#root, stem))).toSorted(byName)
      for (const fan of fans) {
        signal?.throwIfAborted()
        const first = start + (fan === EMPTY ? '' : fan)
        if (!isBeginning(first, prefix) || (first < after && !after.startsWith(first))) continue
        const names = (await namesIn(join(this.#root, stem, fan))).map((name) => name.replace(TEMPORARY, ''))
        found.push(...new Set(names.filter(wanted)))
        // Within a stem the fans are in the order of the names.
        if (stems.length === 1 && found.length >= limit) break
      }
    }
    return found.toSorted(byName).slice(0, limit)
  }

  /** Waits for pending calls, and refuses later ones. */
  async close(): Promise<void> {
    this.#closed = true
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending)
  }

  #place(name: string): { directory: string; path: string } {
    if (!/^[A-Za-z0-9][A-Za-z0-9.-]{0,199}$/.test(name)) {
      throw new TypeError(`an object's name must be up to 200 letters, digits, "-" and ".", got ${describeValue(name)}`)
    }
    const dot = name.lastIndexOf('.')
    const stem = dot < 0 ? EMPTY : name.slice(0, dot)
    const fan = name.slice(dot + 1, dot + 3) || EMPTY
    const directory = join(stem, fan)
    return { directory, path: join(this.#root, directory, name) }
  }

  /** The directory, made if it is absent. */
  #directory(directory: string): Promise<DirectorySync> {
    let made = this.#directories.get(directory)
    if (!made) {
      made = this.#make(directory)
      this.#directories.set(directory, made)
      made.catch(() => this.#directories.delete(directory))
    }
    return made
  }

  async #make(directory: string): Promise<DirectorySync> {
    const path = join(this.#root, directory)
    await makeDirectory(this.#root)
    await makeDirectory(join(path, '..'))
    await makeDirectory(path)
    return new DirectorySync(path)
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

/** Makes a directory whose parent exists, and makes its name durable, even if another process made it. */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  }
  await syncDirectory(join(path, '..'))
}

async function writeFile(path: string, bytes: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
  const handle = await open(path, 'wx')
  try {
    for (let offset = 0; offset < bytes.byteLength;) {
      signal?.throwIfAborted()
      const { bytesWritten } = await handle.write(bytes, offset, bytes.byteLength - offset, offset)
      offset += bytesWritten
    }
    signal?.throwIfAborted()
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function readFile(
  path: string,
  signal: AbortSignal | undefined,
  into: Uint8Array<ArrayBuffer> | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const handle = await open(path, 'r')
  try {
    const { size } = await handle.stat()
    // Not filled with zeros, which would take a third of the time: it is overwritten, or else cut.
    const bytes = into?.byteLength === size ? into : new Uint8Array(Buffer.allocUnsafeSlow(size).buffer)
    for (let offset = 0; offset < size;) {
      signal?.throwIfAborted()
      const { bytesRead } = await handle.read(bytes, offset, size - offset, offset)
      // The file is shorter than it says; the reader of blocks compares their checksums.
      if (bytesRead === 0) return bytes.slice(0, offset)
      offset += bytesRead
    }
    return bytes
  } finally {
    await handle.close()
  }
}

async function remove(path: string): Promise<boolean> {
  try {
    await unlink(path)
    return true
  } catch (error) {
    if (isAbsent(error)) return false
    throw error
  }
}

/** Prefix of the names below a stem. */
function stemStart(stem: string): string {
  return stem === EMPTY ? '' : `${stem}.`
}

/** Whether strings that begin with `start` may begin with `prefix`. */
function isBeginning(start: string, prefix: string): boolean {
  return start.startsWith(prefix) || prefix.startsWith(start)
}

/** Orders by the codes of the characters, with the sign for an empty part first. */
function byName(a: string, b: string): number {
  if (a === EMPTY || b === EMPTY) return a === b ? 0 : a === EMPTY ? -1 : 1
  return a < b ? -1 : a > b ? 1 : 0
}
