import { directoryBackend } from '../../src/backends/directory.ts'
import { equalBytes } from '../../src/bytes/byte-order.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { toHex } from '../../src/bytes/byte-text.ts'
import { collect } from '../../src/bytes/collect.ts'
import { LocalHive } from '../../src/hive.ts'
import { makeSignature } from '../../src/rsync.ts'
import { StreamStore } from '../../src/store.ts'

/** The bytes of every entry of a hive, in hexadecimal digits, by alias. */
export type FoundEntries = Readonly<Record<string, string>>

/** What a process found in a hive. */
export interface FoundHive {
  readonly entries: FoundEntries
  /** Result of an attempt to store an entry: `stored`, or the name of the error. */
  readonly put: string
}

/** Reads all of a hive: the list, and the facts, bytes, last bytes and signature of each entry. */
export async function readHive(hive: LocalHive): Promise<FoundEntries> {
  const entries: Record<string, string> = {}
  for (const { alias, etag } of (await hive.list()).entries) {
    const entry = await hive.open(alias)
    if ((await hive.stat(alias)).etag !== etag || entry.etag !== etag) throw new Error(`${alias} has another etag`)
    const content = await collect(entry.stream())
    const bytes = toHex(content)
    const signature = await makeSignature(bytesSource(content))
    if (!equalBytes(await collect(entry.signature()), signature)) throw new Error(`${alias} has another signature`)
    if (!bytes.endsWith(toHex(await collect(entry.slice(-2).stream())))) throw new Error(`${alias} has another end`)
    entries[alias] = bytes
  }
  return entries
}

/** Reads the hive in a directory, and tries to store an entry there. */
export async function readAndTryToWrite(directory: string, readOnly: boolean): Promise<FoundHive> {
  const store = new StreamStore(await directoryBackend(directory, { readOnly }))
  const hive = new LocalHive(store)
  const entries = await readHive(hive)
  const put = await new Blob(['x'])
    .stream()
    .pipeTo(hive.sink('new'))
    .then(
      () => 'stored',
      (error: Error) => error.name,
    )
  await store.close()
  return { entries, put }
}
