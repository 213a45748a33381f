import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '../../bytes/error-code.ts'

/** Begins the name of the file that is written as a test; a directory without a marker may have one. */
export const PROBE_PREFIX = 'combstream-space.'
/** More than SQLite needs at a time for its shared memory. */
const PROBE_BYTES = 65_536

/**
 * Whether a directory takes no more bytes. To find out, a file is written there and removed again: the numbers that a
 * file system gives leave out quotas, and space that is reserved for the superuser.
 */
export async function hasNoSpace(directory: string): Promise<boolean> {
  const path = join(directory, `${PROBE_PREFIX}${Math.random().toString(16).slice(2)}~`)
  try {
    const handle = await open(path, 'wx')
    try {
      await handle.writeFile(new Uint8Array(PROBE_BYTES))
      await handle.sync()
    } finally {
      await handle.close()
    }
    return false
  } catch (error) {
    return codeOf(error) === 'ENOSPC' || codeOf(error) === 'EDQUOT'
  } finally {
    await rm(path, { force: true })
  }
}
