import { closeSync, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs'
import { ChunkReader } from '../bytes/chunk-reader.ts'
import { abortable, markHandled } from '../bytes/promises.ts'
import { ConflictError } from '../errors.ts'
import { checkStandardInput, isNullDevice, STDIN } from './standard-streams.ts'
import { systemError } from './system-error.ts'

/** The input of an rdiff job, read from beginning to end. */
export interface RdiffInput {
  /** Number of bytes, if it is a file. */
  readonly size: number | undefined
  /** Fills the start of a buffer; returns the number of bytes, 0 at the end. Nothing is read before the first call. */
  read(buffer: Uint8Array): number | Promise<number>
  /** Closes it. */
  close(): void
}

/**
 * Opens a file, or standard input for `-`. Pipes and the like, whose bytes may arrive late or never, are read `chunkBytes`
 * at a time until the signal aborts.
 */
export function openRdiffInput(file: string, chunkBytes: number, signal: AbortSignal): RdiffInput {
  if (file === '-') checkStandardInput()
  const stats = file === '-' ? fstatSync(STDIN) : statSync(file)
  if (stats.isDirectory()) throw systemError('EISDIR', file)
  if (!stats.isFile() && !stats.isBlockDevice() && !isNullDevice(stats)) return streamInput(file, chunkBytes, signal)
  const fd = file === '-' ? STDIN : openSync(file, 'r')
  return {
    size: stats.isFile() ? stats.size : undefined,
    read(buffer) {
      const byteLength = readSync(fd, buffer)
      if (byteLength === 0) checkUnchanged(file, stats, fstatSync(fd))
      return byteLength
    },
    close() {
      if (fd !== STDIN) closeSync(fd)
    },
  }
}

/**
 * Checks that a file has not changed while it was read; otherwise the data may be a mix of two versions.
 *
 * @throws {ConflictError} if it has.
 */
export function checkUnchanged(file: string, before: Stats, now: Stats): void {
  if (!now.isFile() || (now.size === before.size && now.mtimeMs === before.mtimeMs && now.ctimeMs === before.ctimeMs))
    return
  throw new ConflictError(`${file} has been changed`)
}

function streamInput(file: string, chunkBytes: number, signal: AbortSignal): RdiffInput {
  let reader: ChunkReader | undefined
  let rest: Uint8Array = new Uint8Array(0)
  return {
    size: undefined,
    async read(buffer) {
      if (!reader) {
        const { openInput } = await import('./file-input.ts')
        reader = new ChunkReader((await openInput(file, chunkBytes)).stream)
      }
      if (rest.byteLength === 0) rest = (await abortable(reader.read(), signal)) ?? rest
      const piece = rest.subarray(0, buffer.byteLength)
      buffer.set(piece)
      rest = rest.subarray(piece.byteLength)
      return piece.byteLength
    },
    close() {
      if (reader) markHandled(reader.cancel())
    },
  }
}
