import { fstatSync, readSync, type Stats, statSync, writeSync } from 'node:fs'
import { systemError } from './system-error.ts'

/** Descriptor of standard input. */
export const STDIN = 0
/** Descriptor of standard output. */
export const STDOUT = 1

/**
 * Checks that standard input can be read.
 *
 * @throws {Error} if it is a directory, or closed.
 */
export function checkStandardInput(): void {
  const stats = fstatSync(STDIN)
  if (stats.isDirectory()) throw systemError('EISDIR', 'standard input')
  // It is open in the wrong direction only.
  if (isNullDevice(stats) && succeeds(() => writeSync(STDIN, new Uint8Array(1)))) {
    throw new Error('standard input is closed')
  }
}

/**
 * Checks that standard output is not closed.
 *
 * @throws {Error} if it is.
 */
export function checkStandardOutput(): void {
  if (isNullDevice(fstatSync(STDOUT)) && succeeds(() => readSync(STDOUT, new Uint8Array(1)))) {
    throw new Error('standard output is closed')
  }
}

/**
 * Whether it is /dev/null opened for both reading and writing. That is how Node replaces a standard stream that was closed
 * when the process started, as by `>&-`; a shell's `</dev/null` and `>/dev/null` open it in one direction only.
 */
export function isNullDevice(stats: Stats): boolean {
  return stats.isCharacterDevice() && stats.rdev === statSync('/dev/null', { throwIfNoEntry: false })?.rdev
}

function succeeds(act: () => void): boolean {
  try {
    act()
    return true
  } catch {
    return false
  }
}
