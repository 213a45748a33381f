import type { FileCalls } from './file-calls.ts'
import { isAbsent } from './is-absent.ts'

/** Length of a file in bytes; undefined if there is none. */
export async function sizeOf(files: FileCalls, path: string): Promise<number | undefined> {
  try {
    return (await files.stat(path)).size
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}
