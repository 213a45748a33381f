import type { WriteReply, WriteRequest } from './write-messages.ts'

/** The parts of `DedicatedWorkerGlobalScope` used here. TypeScript's `dom` library does not declare it. */
interface WorkerScope {
  postMessage(message: WriteReply, transfer: ArrayBuffer[]): void
  addEventListener(type: 'message', listener: (event: { readonly data: WriteRequest }) => void): void
}

/** A file with what only workers have (WHATWG File System, section 2.4), and what all browsers with a file system add. */
interface WorkerFile extends FileSystemFileHandle {
  createSyncAccessHandle(): Promise<{ write(bytes: Uint8Array): number; close(): void }>
  /** Gives the file another name in its directory. */
  move(name: string): Promise<void>
}

/** Writes the files of a `WriteThread` inside a worker, and holds a lock as long as the worker lives. */
export function answerWriteRequests(): void {
  const scope = globalThis as unknown as WorkerScope
  scope.addEventListener('message', ({ data }) => void answer(scope, data))
  const lock = `combstream:${crypto.randomUUID()}`
  void navigator.locks.request(lock, () => {
    scope.postMessage({ kind: 'ready', lock }, [])
    return new Promise(() => {})
  })
}

async function answer(scope: WorkerScope, { number, file, name, bytes }: WriteRequest): Promise<void> {
  try {
    await writeFile(file as WorkerFile, name, bytes)
    scope.postMessage({ kind: 'done', number, bytes }, [bytes.buffer])
  } catch (error) {
    const { name: kind, message } = error as Error
    scope.postMessage({ kind: 'done', number, bytes, failure: { name: kind, message } }, [bytes.buffer])
  }
}

/** The file has its bytes before it gets its name. */
async function writeFile(file: WorkerFile, name: string, bytes: Uint8Array): Promise<void> {
  const access = await file.createSyncAccessHandle()
  try {
    const written = access.write(bytes)
    if (written < bytes.byteLength) throw new DOMException('the disk is full', 'QuotaExceededError')
  } finally {
    access.close()
  }
  await file.move(name)
}
