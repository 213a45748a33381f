import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { type FileCalls, nodeFiles, type OpenFile } from '../../src/backends/directory/file-calls.ts'
import { ROWS_FILE } from '../../src/backends/directory/rows-file.ts'
import type { Backend } from '../../src/store.ts'

/** What a name refers to: a directory, the database, or a file by its number. */
export type Node = 'directory' | 'database' | number

/** A recorded event. Paths are relative to the root. */
export type Event =
  /** From here on, names in a directory refer to something else, or to nothing. A rename changes two names at once. */
  | { readonly kind: 'names'; readonly directory: string; readonly names: ReadonlyMap<string, Node | undefined> }
  | { readonly kind: 'bytes'; readonly file: number; readonly bytes: Uint8Array; readonly position: number }
  /** From here on, changes to this file or to the names in this directory before event `begun` are durable. */
  | { readonly kind: 'sync'; readonly of: number | string; readonly begun: number }
  /** SQLite has committed. These are its files. */
  | { readonly kind: 'commit'; readonly files: ReadonlyMap<string, Uint8Array> }
  /** From here on, the caller may rely on this: the value of each name is one of these. */
  | { readonly kind: 'told'; readonly facts: Facts }

/** The facts that a caller relies on: the values that each name may have. */
export type Facts = ReadonlyMap<string, readonly string[]>

/** The file of the database. SQLite's commits are durable, but SQLite does not sync the name of the file. */
export const DATABASE = 'metadata.sqlite'
const DATABASE_FILES = [DATABASE, `${DATABASE}-wal`]

/**
 * Records all changes below `root`. The hive is the directory `hive`. Everything that already exists is durable.
 *
 * With a rival, another process makes each single directory, and deletes each file, just before this one does. It has
 * not synced that yet.
 */
export class PowerCutRecorder {
  readonly #root: string
  readonly #hive: string
  readonly #rival: boolean
  readonly #events: Event[] = []
  /** Number of events that represent what existed before. */
  readonly base: number
  readonly #numbers = new Map<string, number>()
  #made = 0
  #hasDatabase = false
  #facts: Facts = new Map()

  constructor(root: string, hive: string, { rival = false } = {}) {
    this.#root = root
    this.#hive = hive
    this.#rival = rival
    this.#recordBase(root)
    this.base = this.#events.length
  }

  /** The events so far. */
  get events(): readonly Event[] {
    return this.#events
  }

  /** File system calls that record what they do. */
  get files(): FileCalls {
    return {
      ...nodeFiles,
      open: (path, flags) => this.#open(path, flags),
      mkdir: async (path, options) => {
        // A rival that made several directories could not know which of them are new.
        if (this.#rival && !options?.recursive) await this.#mkdir(path).catch(() => undefined)
        return await this.#mkdir(path, options)
      },
      rename: async (from, to) => {
        await nodeFiles.rename(from, to)
        const number = this.#numbers.get(from)!
        this.#numbers.set(to, number)
        this.#recordNames(dirname(to), [
          [basename(from), undefined],
          [basename(to), number],
        ])
      },
      unlink: async (path) => {
        if (this.#rival) await this.#unlink(path).catch(() => undefined)
        await this.#unlink(path)
      },
    }
  }

  /** Records the commits of a backend that was opened with these calls. */
  watch(backend: Backend): Backend {
    const { metadata } = backend
    return {
      ...backend,
      metadata: {
        get: (...args) => metadata.get(...args),
        list: (...args) => metadata.list(...args),
        commit: async (...args) => {
          const version = await metadata.commit(...args)
          this.#recordDatabase()
          return version
        },
      },
    }
  }

  /** Records what a caller may rely on. */
  tell(name: string, ...values: string[]): void {
    this.#facts = new Map([...this.#facts, [name, values]])
    this.#events.push({ kind: 'told', facts: this.#facts })
  }

  async #open(path: string, flags: 'r' | 'wx'): Promise<OpenFile> {
    // It is written when a commit has ended whose caller has not been answered yet.
    if (flags === 'wx' && basename(path).startsWith(ROWS_FILE)) this.#recordDatabase()
    const file = await nodeFiles.open(path, flags)
    if (flags === 'wx') {
      this.#numbers.set(path, this.#made)
      this.#recordNames(dirname(path), [[basename(path), this.#made++]])
    }
    const number = this.#numbers.get(path)
    return {
      read: (...args) => file.read(...args),
      stat: () => file.stat(),
      close: () => file.close(),
      write: async (bytes, offset, length, position) => {
        const written = await file.write(bytes, offset, length, position)
        const some = bytes.slice(offset, offset + written.bytesWritten)
        this.#events.push({ kind: 'bytes', file: number!, bytes: some, position })
        return written
      },
      sync: async () => {
        const begun = this.#events.length
        await file.sync()
        this.#events.push({ kind: 'sync', of: number ?? this.#relative(path), begun })
      },
    }
  }

  async #mkdir(path: string, options?: { readonly recursive: true }): Promise<string | undefined> {
    const first = await nodeFiles.mkdir(path, options)
    const made: string[] = []
    const end = dirname(options?.recursive ? (first ?? join(path, 'none')) : path)
    for (let each = path; each.length > end.length; each = dirname(each)) made.unshift(each)
    for (const each of made) this.#recordNames(dirname(each), [[basename(each), 'directory']])
    return first
  }

  async #unlink(path: string): Promise<void> {
    await nodeFiles.unlink(path)
    this.#recordNames(dirname(path), [[basename(path), undefined]])
  }

  #recordNames(directory: string, names: readonly (readonly [string, Node | undefined])[]): void {
    // SQLite creates its file before the next recorded call.
    if (!this.#hasDatabase && existsSync(join(this.#hive, DATABASE))) {
      this.#hasDatabase = true
      this.#recordDatabase()
      this.#recordNames(this.#hive, [[DATABASE, 'database']])
    }
    this.#events.push({ kind: 'names', directory: this.#relative(directory), names: new Map(names) })
  }

  #recordDatabase(): void {
    const paths = DATABASE_FILES.map((name) => [name, join(this.#hive, name)] as const)
    const there = paths.filter(([, path]) => existsSync(path))
    this.#events.push({ kind: 'commit', files: new Map(there.map(([name, path]) => [name, readFileSync(path)])) })
  }

  /** Records what already exists as if it had just been made and synced. */
  #recordBase(directory: string): void {
    for (const name of readdirSync(directory)) {
      const path = join(directory, name)
      if (name.startsWith(DATABASE)) {
        if (name === DATABASE) {
          this.#recordDatabase()
          this.#hasDatabase = true
          this.#recordNames(directory, [[name, 'database']])
        }
      } else if (statSync(path).isDirectory()) {
        this.#recordNames(directory, [[name, 'directory']])
        this.#recordBase(path)
      } else {
        const file = this.#made++
        this.#recordNames(directory, [[name, file]])
        this.#events.push({ kind: 'bytes', file, bytes: readFileSync(path), position: 0 })
        this.#events.push({ kind: 'sync', of: file, begun: this.#events.length })
      }
    }
    this.#events.push({ kind: 'sync', of: this.#relative(directory), begun: this.#events.length })
  }

  #relative(path: string): string {
    return relative(this.#root, path)
  }
}
