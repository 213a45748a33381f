import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { checkUnchanged } from './rdiff-input.ts'
import { checkStandardInput, STDIN } from './standard-streams.ts'
import { systemError } from './system-error.ts'

/** The basis of a patch, which can be read at any position. */
export interface RdiffBasis {
  /** Number of bytes. */
  readonly size: number
  /** Fills the start of a buffer with the bytes at a position; returns their number. */
  read(buffer: Uint8Array, position: number): number
  /** Checks that it has not changed since it was opened. */
  check(): void
  /** Closes it. */
  close(): void
}

/**
 * Opens a file, or standard input for `-`. It may also be a seekable device, such as a block device or /dev/null, but not a
 * pipe.
 */
export function openRdiffBasis(file: string): RdiffBasis {
  if (file === '-') checkStandardInput()
  const stats = file === '-' ? fstatSync(STDIN) : statSync(file)
  if (stats.isDirectory()) throw systemError('EISDIR', file)
  if (stats.isFIFO() || stats.isSocket()) throw systemError('ESPIPE', file)
  const fd = file === '-' ? STDIN : openSync(file, 'r')
  return {
    // Devices do not report their size, nor do files below /proc, whose bytes the system generates.
    size: stats.isFile() && stats.size > 0 ? stats.size : findEnd(fd),
    read: (buffer, position) => readSync(fd, buffer, 0, buffer.byteLength, position),
    check: () => checkUnchanged(file, stats, fstatSync(fd)),
    close() {
      if (fd !== STDIN) closeSync(fd)
    },
  }
}

/** Finds the position of the end, where nothing more can be read. */
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
