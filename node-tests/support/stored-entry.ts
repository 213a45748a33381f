import { directoryBackend } from '../../src/backends/directory.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { StreamStore } from '../../src/store.ts'

/** Stores an entry in the hive of a directory, like `comb put`, but without the time that a process takes to start. */
export async function storeEntry(
  directory: string,
  alias: string,
  content: Uint8Array<ArrayBuffer> | string,
  type?: string,
): Promise<void> {
  await within(directory, (hive) => new Blob([content]).stream().pipeTo(hive.sink(alias, type ? { type } : {})))
}

/** Removes an entry from the hive of a directory, like `comb rm`. */
export async function removeEntry(directory: string, alias: string): Promise<void> {
  await within(directory, (hive) => hive.remove(alias))
}

async function within(directory: string, work: (hive: LocalHive) => Promise<unknown>): Promise<void> {
  const store = new StreamStore(await directoryBackend(directory, { thread: false }))
  try {
    await work(new LocalHive(store))
  } finally {
    await store.close()
  }
}
