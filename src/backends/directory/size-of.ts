import { stat } from 'node:fs/promises'
import { isAbsent } from './is-absent.ts'

/** Length of a file in bytes; undefined if there is none. */
export async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}
