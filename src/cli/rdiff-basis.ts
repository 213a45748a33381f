import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { checkUnchanged } from './rdiff-input.ts'
import { checkStandardInput, STDIN } from './standard-streams.ts'
import { systemError } from './system-error.ts'

/** What a patch reads anywhere. */
export interface RdiffBasis {
  /** Number of bytes. */
  readonly size: number
  /** Fills a buffer from its start on with what stands at a position; gives the number of bytes. */
  read(buffer: Uint8Array, position: number): number
  /** Checks that it is what it was when it was opened. */
  check(): void
  /** Lets go of it. */
  close(): void
}

/**
 * Opens a file, or, for `-`, standard input. It may also be a device that can be read anywhere, such as a block device or
 * /dev/null; a pipe is not one.
 */
export function openRdiffBasis(file: string): RdiffBasis {
  if (file === '-') checkStandardInput()
  const stats = file === '-' ? fstatSync(STDIN) : statSync(file)
  if (stats.isDirectory()) throw systemError('EISDIR', file)
  if (stats.isFIFO() || stats.isSocket()) throw systemError('ESPIPE', file)
  const fd = file === '-' ? STDIN : openSync(file, 'r')
  return {
    // Devices do not say how many bytes they have, nor do files whose bytes the system makes up, below /proc.
    size: stats.isFile() && stats.size > 0 ? stats.size : findEnd(fd),
    read: (buffer, position) => readSync(fd, buffer, 0, buffer.byteLength, position),
    check: () => checkUnchanged(file, stats, fstatSync(fd)),
    close() {
      if (fd !== STDIN) closeSync(fd)
    },
  }
}

/** Looks for the position from which on there is nothing to be read. */
function findEnd(fd: number): number {
  const probe = new Uint8Array(1)
  const hasByteAt = (position: number): boolean => readSync(fd, probe, 0, 1, position) > 0
  let [size, end] = [0, 1]
  while (end < Number.MAX_SAFE_INTEGER && hasByteAt(end - 1)) {
    ;[size, end] = [end, Math.min(2 * end, Number.MAX_SAFE_INTEGER)]
  }
  while (size < end - 1) {
    const middle = Math.floor(size / 2 + end / 2)
    if (hasByteAt(middle - 1)) size = middle
    else end = middle
  }
  return size
}
