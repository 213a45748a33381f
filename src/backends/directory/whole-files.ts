import { Buffer } from 'node:buffer'
import type { FileCalls } from './file-calls.ts'
import { isAbsent } from './is-absent.ts'

/** Writes a file that must not exist, and makes its bytes durable. Its name is not durable yet. */
export async function writeNewFile(
  files: FileCalls,
  path: string,
  bytes: Uint8Array,
  signal?: AbortSignal,
): Promise<void> {
  const file = await files.open(path, 'wx')
  try {
    for (let offset = 0; offset < bytes.byteLength;) {
      signal?.throwIfAborted()
      const { bytesWritten } = await file.write(bytes, offset, bytes.byteLength - offset, offset)
      offset += bytesWritten
    }
    signal?.throwIfAborted()
    await file.sync()
  } finally {
    await file.close()
  }
}

/** How {@linkcode readWholeFile} reads. */
export interface ReadFileOptions {
  readonly signal?: AbortSignal | undefined
  /** Takes the bytes if it is as long as the file. */
  readonly into?: Uint8Array<ArrayBuffer> | undefined
  /** Reads no more than this. */
  readonly maxBytes?: number | undefined
}

/** Reads a file. If it turns out to be shorter than it says, the bytes are those that are there. */
export async function readWholeFile(
  files: FileCalls,
  path: string,
  { signal, into, maxBytes = Infinity }: ReadFileOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const file = await files.open(path, 'r')
  try {
    const size = Math.min((await file.stat()).size, maxBytes)
    // Not filled with zeros, which would take a third of the time: it is overwritten, or else cut.
    const bytes = into?.byteLength === size ? into : new Uint8Array(Buffer.allocUnsafeSlow(size).buffer)
    for (let offset = 0; offset < size;) {
      signal?.throwIfAborted()
      const { bytesRead } = await file.read(bytes, offset, size - offset, offset)
      if (bytesRead === 0) return bytes.slice(0, offset)
      offset += bytesRead
    }
    return bytes
  } finally {
    await file.close()
  }
}

/** Removes a file, if it is there. */
export async function removeFile(files: FileCalls, path: string): Promise<void> {
  try {
    await files.unlink(path)
  } catch (error) {
    if (!isAbsent(error)) throw error
  }
}
