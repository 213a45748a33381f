import { readdir } from 'node:fs/promises'
import { isAbsent } from './is-absent.ts'

/** The names in a directory; none if there is no such directory. */
export async function namesIn(path: string): Promise<string[]> {
  try {
    return await readdir(path)
  } catch (error) {
    if (isAbsent(error)) return []
    throw error
  }
}
