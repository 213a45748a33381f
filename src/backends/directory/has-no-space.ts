import { join } from 'node:path'
import { codeOf } from '../../bytes/error-code.ts'
import type { FileCalls } from './file-calls.ts'
import { removeFile, writeNewFile } from './whole-files.ts'

/** Begins the name of the file that is written as a test; a directory without a marker may have one. */
export const PROBE_PREFIX = 'combstream-space.'
/** More than SQLite needs at a time for its shared memory. */
const PROBE_BYTES = 65_536

/**
 * Whether a directory takes no more bytes. To find out, a file is written there and removed again: the numbers that a
 * file system gives leave out quotas, and space that is reserved for the superuser.
 */
export async function hasNoSpace(files: FileCalls, directory: string): Promise<boolean> {
  const path = join(directory, `${PROBE_PREFIX}${Math.random().toString(16).slice(2)}~`)
  try {
    // Synced, because some file systems look for space only when they must.
    await writeNewFile(files, path, new Uint8Array(PROBE_BYTES))
    return false
  } catch (error) {
    return codeOf(error) === 'ENOSPC' || codeOf(error) === 'EDQUOT'
  } finally {
    await removeFile(files, path)
  }
}
