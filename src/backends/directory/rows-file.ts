import { Buffer } from 'node:buffer'
import { join } from 'node:path'
import { codeOf } from '../../bytes/error-code.ts'
import type { Mutation } from '../../store/backend.ts'
import type { FileCalls } from './file-calls.ts'
import { readWholeFile, removeFile } from './whole-files.ts'

/** Tells that the database has content, so that a copy without the log is not taken for an empty hive. */
export const ROWS_FILE = 'combstream-rows'

/** The file has the number of a commit. It does not matter which one, as long as it is one of the first with content. */
const CONTENT = /^combstream rows (\d{1,16})\n$/
const MAX_BYTES = 64

/** The end of the key of a row that holds a store's version: a store that has only that row is empty. */
const VERSION_KEY_END = [0x2f, 0x76] as const

/**
 * The file beside the database that is written once, after the first commit of content. It is not synced: without it,
 * or if a power cut leaves no more than a part of it, a hive is only less well protected, until the next process commits.
 */
export class RowsFile {
  readonly #files: FileCalls
  readonly #directory: string
  #isWritten = false
  #writing: Promise<void> | undefined

  constructor(files: FileCalls, directory: string) {
    this.#files = files
    this.#directory = directory
  }

  /** The number of a commit that the database has had; 0 if that is not known. */
  async read(): Promise<number> {
    let bytes: Uint8Array
    try {
      bytes = await readWholeFile(this.#files, join(this.#directory, ROWS_FILE), { maxBytes: MAX_BYTES })
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return 0
      throw error
    }
    const number = Number(CONTENT.exec(Buffer.from(bytes).toString('latin1'))?.[1])
    this.#isWritten = Number.isSafeInteger(number)
    return this.#isWritten ? number : 0
  }

  /** Takes note of a commit that has been applied. */
  async note(number: string, mutations: readonly Mutation[]): Promise<void> {
    if (this.#isWritten || !mutations.some(isContent)) return
    this.#writing ??= this.#write(number).finally(() => (this.#writing = undefined))
    await this.#writing
  }

  async #write(number: string): Promise<void> {
    const path = join(this.#directory, ROWS_FILE)
    const temporary = `${path}.${Math.random().toString(16).slice(2)}~`
    try {
      const file = await this.#files.open(temporary, 'wx')
      try {
        const bytes = Buffer.from(`combstream rows ${number}\n`, 'latin1')
        await file.write(bytes, 0, bytes.byteLength, 0)
      } finally {
        await file.close()
      }
      await this.#files.rename(temporary, path)
      this.#isWritten = true
    } catch {
      // The commit has been applied, so it must not fail. The next one tries again.
      await removeFile(this.#files, temporary).catch(() => undefined)
    }
  }
}

function isContent({ key, value }: Mutation): boolean {
  return value !== undefined && !(key.at(-2) === VERSION_KEY_END[0] && key.at(-1) === VERSION_KEY_END[1])
}
