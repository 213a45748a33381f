import { closeSync, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs'
import { ChunkReader } from '../bytes/chunk-reader.ts'
import { abortable, markHandled } from '../bytes/promises.ts'
import { ConflictError } from '../errors.ts'
import { checkStandardInput, isNullDevice, STDIN } from './standard-streams.ts'
import { systemError } from './system-error.ts'

/** What a job of rdiff reads from its beginning to its end. */
export interface RdiffInput {
  /** Number of bytes, if it is a file. */
  readonly size: number | undefined
  /** Fills a buffer from its start on; gives the number of bytes, 0 at the end. Nothing is read before. */
  read(buffer: Uint8Array): number | Promise<number>
  /** Lets go of it. */
  close(): void
}

/**
 * Opens a file, or, for `-`, standard input. Of pipes and the like, which may give their bytes late or never, `chunkBytes`
 * are read at a time, until the signal aborts.
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
 * Checks that a file is what it was before it was read: otherwise what was read may be a mix of two versions.
 *
 * @throws {ConflictError} if it is not.
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
