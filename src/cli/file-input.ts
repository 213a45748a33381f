import { createReadStream, type ReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { standardInput } from './standard-input.ts'
import { readableBytes } from './stdio.ts'
import { systemError } from './system-error.ts'

/** Bytes that are about to be put. */
export interface Input {
  /** The bytes; nothing is read before they are asked for. */
  readonly stream: ReadableStream<Uint8Array>
  /** How many they are, if that is known beforehand. */
  readonly size: number | undefined
}

/** Opens a file, or, for `-`, standard input; of a file, `chunkBytes` are read at a time, if it is given. */
export async function openInput(file: string, chunkBytes?: number): Promise<Input> {
  if (file === '-') return { stream: standardInput(chunkBytes), size: undefined }
  const found = await stat(file)
  if (found.isDirectory()) throw systemError('EISDIR', file)
  // A pipe or a device has no size: `comb put HIVE ALIAS <(command)`.
  // Nor has a file whose bytes the system makes up as they are read, below /proc: it says that there are none.
  if (!found.isFile() || found.size === 0 || chunkBytes !== undefined) {
    const open = (): ReadStream => createReadStream(file, { highWaterMark: chunkBytes })
    return { stream: readableBytes(open), size: found.isFile() ? found.size : undefined }
  }
  const { fileSource } = await import('../platform/file-source.ts')
  const source = await fileSource(file)
  return { stream: source.stream(), size: source.size }
}
