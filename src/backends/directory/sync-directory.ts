import { open } from 'node:fs/promises'
import process from 'node:process'
import { codeOf } from '../../bytes/error-code.ts'

/** Makes the names in a directory durable, as far as the file system supports it. */
export async function syncDirectory(path: string): Promise<void> {
  // Windows cannot open a directory for this; its file system journals names.
  if (process.platform === 'win32') return
  const handle = await open(path, 'r')
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
  readonly #path: string
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor(path: string) {
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
    const running = syncDirectory(this.#path).finally(() => {
      if (this.#running === running) this.#running = undefined
    })
    this.#running = running
    return running
  }
}
