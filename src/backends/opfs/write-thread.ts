import { copyBytes } from '../../bytes/byte-order.ts'
import { Lingering } from '../../bytes/lingering.ts'
import { BackendError } from '../../errors.ts'
import type { WriteReply, WriteRequest } from './write-messages.ts'

/** How many objects are put at a time before a worker is asked for: a few of them are written sooner than it starts. */
const FEW_PUTS = 3

/** How many directories the worker knows. To send one takes the browser as long as to open a file. */
const SLOTS = 64

/** A write that the worker has not answered. */
interface PendingWrite {
  resolve(outcome: 'written' | 'exists'): void
  reject(reason: unknown): void
}

/** The worker of all hives that are open in the page. */
const threads = new Lingering<WriteThread>()

/** Becomes a user of the worker that writes files; {@linkcode WriteThread.leave} ends that. */
export function joinWriteThread(): WriteThread {
  return threads.join(() => new WriteThread())
}

/**
 * The worker that writes files, as the page sees it. There, a file is written without the copies and checks that the page's own
 * writer of files needs, which in Chromium take as long again. It starts when several objects are put at a time.
 */
export class WriteThread {
  #worker: Worker | undefined
  /** In Firefox, a worker takes more CPU time than the page's own writer; only Chromium has this property. */
  #state: 'none' | 'starting' | 'ready' | 'ended' = 'userAgentData' in navigator ? 'none' : 'ended'
  #isEnding = false
  #puts = 0
  #written = 0
  readonly #pending = new Map<number, PendingWrite>()
  /** The directories that the worker knows. */
  readonly #directories: FileSystemDirectoryHandle[] = []
  #nextSlot = 0
  /** Memory that the worker has given back. */
  readonly #spares: Uint8Array<ArrayBuffer>[] = []

  /** Does a put, and tells it whether the worker can write now. */
  async use<T>(put: (isReady: boolean) => Promise<T>): Promise<T> {
    if (++this.#puts > FEW_PUTS && this.#state === 'none') this.#start()
    try {
      return await put(this.#state === 'ready')
    } finally {
      if (--this.#puts === 0) this.#spares.length = 0
      this.#endIfIdle()
    }
  }

  /**
   * Writes a copy of these bytes to a new file, unless one with bytes exists. Until it resolves, the file may have a part of
   * them.
   *
   * @throws {DOMException} as the browser's own calls do.
   * @throws {BackendError} if the worker has ended.
   */
  write(directory: FileSystemDirectoryHandle, name: string, bytes: Uint8Array): Promise<'written' | 'exists'> {
    return new Promise((resolve, reject) => {
      if (!this.#worker) throw lost('it has ended')
      const place = this.#place(directory)
      const request: WriteRequest = { number: this.#written++, ...place, name, bytes: this.#copy(bytes) }
      this.#pending.set(request.number, { resolve, reject })
      this.#worker.postMessage(request, [request.bytes.buffer])
    })
  }

  /** How to tell the worker a directory: by its slot, and by the directory itself if it is new there. */
  #place(directory: FileSystemDirectoryHandle): Pick<WriteRequest, 'slot' | 'directory'> {
    const known = this.#directories.indexOf(directory)
    if (known >= 0) return { slot: known }
    const slot = this.#nextSlot++ % SLOTS
    this.#directories[slot] = directory
    return { slot, directory }
  }

  /** Says that a hive needs it no longer. It may still do puts that have begun. */
  leave(): void {
    threads.leave(this)
  }

  /** Ends the worker after the last put. */
  end(): void {
    this.#isEnding = true
    this.#endIfIdle()
  }

  #endIfIdle(): void {
    if (this.#isEnding && this.#puts === 0) this.#fail('it has ended')
  }

  #start(): void {
    this.#state = 'starting'
    try {
      this.#worker = createWorker()
    } catch (error) {
      // There are no workers here, or the page may not start one.
      this.#fail((error as Error).message)
      return
    }
    this.#worker.onmessage = ({ data }: MessageEvent<WriteReply>) => this.#receive(data)
    this.#worker.onmessageerror = () => this.#fail('a message was lost')
    this.#worker.onerror = (event) => {
      // The puts report it; the page need not.
      event.preventDefault()
      this.#fail(event.message)
    }
  }

  #copy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    const spare = this.#spares.pop()
    if (spare?.byteLength !== bytes.byteLength) return copyBytes(bytes)
    spare.set(bytes)
    return spare
  }

  #receive(reply: WriteReply): void {
    if (reply.kind === 'ready') {
      if (!this.#worker) return
      this.#state = 'ready'
      // A browser may end a worker without an event. Then its lock is free.
      void navigator.locks.request(reply.lock, () => this.#fail('it has gone'))
      return
    }
    const pending = this.#pending.get(reply.number)
    this.#pending.delete(reply.number)
    this.#spares.push(reply.bytes)
    const { outcome } = reply
    if (typeof outcome === 'string') pending?.resolve(outcome)
    else pending?.reject(new DOMException(outcome.message, outcome.name))
  }

  /** Does without the worker from now on: it may not be allowed, or its script may be missing. */
  #fail(why: string): void {
    threads.forget(this)
    this.#state = 'ended'
    this.#worker?.terminate()
    this.#worker = undefined
    for (const { reject } of this.#pending.values()) reject(lost(why))
    this.#pending.clear()
    this.#directories.length = 0
    this.#spares.length = 0
  }
}

function lost(why: string): BackendError {
  return new BackendError(`the worker that writes files has failed: ${why}`, { retryable: true })
}

function createWorker(): Worker {
  if (!new URL(import.meta.url).pathname.endsWith('.ts')) {
    return new Worker(new URL('./opfs-worker.js', import.meta.url), { type: 'module' })
  }
  // The sources run as they are, too.
  const source = './opfs-worker.ts'
  return new Worker(new URL(source, import.meta.url), { type: 'module' })
}
