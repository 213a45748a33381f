import type { FileCalls } from './file-calls.ts'
import { isAbsent } from './is-absent.ts'

/** The names in a directory; none if there is no such directory. */
export async function namesIn(files: FileCalls, path: string): Promise<string[]> {
  try {
    return await files.readdir(path)
  } catch (error) {
    if (isAbsent(error)) return []
    throw error
  }
}
