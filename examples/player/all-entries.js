/** @import { Hive, ListedEntry } from './types.ts' */

/**
 * All entries of a hive, in the order of their names.
 *
 * @param {Hive} hive
 */
export async function allEntries(hive) {
  const reader = hive.entries().getReader()
  /** @type {ListedEntry[]} */
  const entries = []
  for (let read = await reader.read(); !read.done; read = await reader.read()) entries.push(read.value)
  return entries
}
