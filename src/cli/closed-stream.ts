import { fstatSync, readSync, statSync, writeSync } from 'node:fs'
import { devNull } from 'node:os'

/**
 * Whether standard input (0) or output (1) was closed when the process began, as by `>&-`. Node has then opened the null
 * device in its place, for reading and writing, which a shell's `</dev/null` and `>/dev/null` open for one of the two.
 */
export function isClosedStream(fd: 0 | 1): boolean {
  const stats = fstatSync(fd)
  if (!stats.isCharacterDevice()) return false
  try {
    if (stats.rdev !== statSync(devNull).rdev) return false
    // In the direction that nobody wants: the null device has nothing to give, and takes everything.
    const probe = new Uint8Array(1)
    if (fd === 0) writeSync(fd, probe)
    else readSync(fd, probe)
    return true
  } catch {
    return false
  }
}
