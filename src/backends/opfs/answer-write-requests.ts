import { keepHandle } from './keep-handle.ts'
import type { WriteReply, WriteRequest } from './write-messages.ts'

/** The parts of `DedicatedWorkerGlobalScope` used here. TypeScript's `dom` library does not declare it. */
interface WorkerScope {
  postMessage(message: WriteReply, transfer: ArrayBuffer[]): void
  addEventListener(type: 'message', listener: (event: { readonly data: WriteRequest }) => void): void
}

/** A file with what only workers have (WHATWG File System, section 2.4). */
interface WorkerFile extends FileSystemFileHandle {
  createSyncAccessHandle(): Promise<{ getSize(): number; write(bytes: Uint8Array): number; close(): void }>
}

/** The directories that were sent, by their slots. */
const directories: FileSystemDirectoryHandle[] = []

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

async function answer(scope: WorkerScope, request: WriteRequest): Promise<void> {
  const { number, bytes } = request
  let outcome: Extract<WriteReply, { kind: 'done' }>['outcome']
  try {
    outcome = await writeFile(request)
  } catch (error) {
    const { name, message } = error as Error
    outcome = { name, message }
  }
  scope.postMessage({ kind: 'done', number, bytes, outcome }, [bytes.buffer])
}

/** Writes a file that does not exist, or has no bytes yet. Nobody else can write to it meanwhile. If it fails, it leaves none. */
async function writeFile({ slot, directory, name, bytes }: WriteRequest): Promise<'written' | 'exists'> {
  if (directory) directories[slot] = directory
  const parent = directories[slot]!
  const file = (await keepHandle(parent, parent.getFileHandle(name, { create: true }))) as WorkerFile
  const access = await keepHandle(file, file.createSyncAccessHandle())
  try {
    if (access.getSize() > 0) return 'exists'
    const written = access.write(bytes)
    // Chromium 156 writes what fits, and returns 4,294,967,288: an error code, taken for an unsigned number.
    if (written !== bytes.byteLength) throw new DOMException('the disk is full', 'QuotaExceededError')
  } catch (error) {
    access.close()
    await parent.removeEntry(name).catch(() => undefined)
    throw error
  } finally {
    access.close()
  }
  return 'written'
}
