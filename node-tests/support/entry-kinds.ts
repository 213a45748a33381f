import { inject } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import type { Entry, Hive, OpenOptions } from '../../src/hive/hive.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { HttpHive } from '../../src/http/client/http-hive.ts'
import { openUrl } from '../../src/http/client/open-url.ts'
import { StreamStore } from '../../src/store/stream-store.ts'

/** One entry that a test writes, and opens in the way of its kind. */
export interface TestEntry {
  /** Name that the entry has in errors. */
  readonly alias: string
  put(bytes: Uint8Array, type?: string): Promise<void>
  remove(): Promise<void>
  open(options?: OpenOptions): Promise<Entry>
}

let hives = 0

/** Every way to open an entry. Each call makes an entry that nothing else uses; blocks have 1,000 bytes. */
export const ENTRY_KINDS: Readonly<Record<string, () => TestEntry>> = {
  LocalHive: () => entryOf(new LocalHive(new StreamStore(memoryBackend(), { blockSize: 1_000 }))),
  HttpHive: () => entryOf(new HttpHive(newHiveUrl())),
  // A hive stands for a server that knows nothing of hives: `openUrl` uses only what any server has.
  openUrl: () => {
    const root = newHiveUrl()
    const entry = entryOf(new HttpHive(root))
    const url = root + entry.alias
    return { ...entry, alias: url, open: (options) => openUrl(url, options) }
  },
}

function newHiveUrl(): string {
  return `${inject('hiveUrl')}-/hives/entry-${Date.now()}-${hives++}/`
}

function entryOf(hive: Hive): TestEntry {
  const alias = 'bunny.mp4'
  return {
    alias,
    put: (bytes, type) => bytesSource(bytes).stream().pipeTo(hive.sink(alias, { type })),
    remove: () => hive.remove(alias),
    open: (options) => hive.open(alias, options),
  }
}
