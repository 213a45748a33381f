import { createReadStream, type ReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { standardInput } from './standard-input.ts'
import { readableBytes } from './stdio.ts'
import { systemError } from './system-error.ts'

/** The bytes to store with `comb put`. */
export interface Input {
  /** The bytes; nothing is read until the stream is read. */
  readonly stream: ReadableStream<Uint8Array>
  /** The number of bytes, if it is known in advance. */
  readonly size: number | undefined
  /** Whether it is a regular file, whose stream is a byte stream and never waits for anyone. */
  readonly isFile: boolean
}

/** Opens a file, or standard input for `-`. Files are read `chunkBytes` at a time, if given. */
export async function openInput(file: string, chunkBytes?: number): Promise<Input> {
  if (file === '-') return { stream: standardInput(chunkBytes), size: undefined, isFile: false }
  const found = await stat(file)
  if (found.isDirectory()) throw systemError('EISDIR', file)
  // A pipe or a device has no size: `comb put HIVE ALIAS <(command)`.
  // Nor does a file below /proc, whose bytes the system generates as they are read: its size is reported as 0.
  if (!found.isFile() || found.size === 0 || chunkBytes !== undefined) {
    const open = (): ReadStream => createReadStream(file, { highWaterMark: chunkBytes })
    return { stream: readableBytes(open), size: found.isFile() ? found.size : undefined, isFile: false }
  }
  const { fileSource } = await import('../platform/file-source.ts')
  const source = await fileSource(file)
  return { stream: source.stream(), size: source.size, isFile: true }
}
