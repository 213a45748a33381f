import process from 'node:process'
import { codeOf } from '../../bytes/error-code.ts'
import type { FileCalls } from './file-calls.ts'

/** Makes the names in a directory durable, as far as the file system supports it. */
export async function syncDirectory(files: FileCalls, path: string): Promise<void> {
  // Windows cannot open a directory for this; its file system journals names.
  if (process.platform === 'win32') return
  const handle = await files.open(path, 'r')
  try {
    await handle.sync()
  } catch (error) {
    // Some file systems, such as those over a network, do not support it, and say so.
    if (codeOf(error) !== 'EINVAL') throw error
  } finally {
    await handle.close()
  }
}

/** Makes the names in a directory durable, with one sync for many calls at the same time. */
export class DirectorySync {
  readonly #files: FileCalls
  readonly #path: string
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor(files: FileCalls, path: string) {
    this.#files = files
    this.#path = path
  }

  /** Resolves when a sync that began after this call has ended: one that is running may miss the caller's name. */
  sync(): Promise<void> {
    if (!this.#running) return this.#begin()
    this.#next ??= this.#running.then(
      () => this.#begin(),
      () => this.#begin(),
    )
    return this.#next
  }

  #begin(): Promise<void> {
    this.#next = undefined
    const running = syncDirectory(this.#files, this.#path).finally(() => {
      if (this.#running === running) this.#running = undefined
    })
    this.#running = running
    return running
  }
}
