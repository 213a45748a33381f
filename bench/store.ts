import { createHash } from 'node:crypto'
import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { bytesSource, LocalHive, StreamStore } from 'combstream'
import { directoryBackend } from 'combstream/backends/directory'
import { type Contest, holdContests, timed } from './contest.ts'
import { drain, drainIntoBuffer } from './drain.ts'
import { noise } from './noise.ts'
import { machineLine } from './rsync/machine-line.ts'
import { collectionContest } from './store-collection.ts'
import { benchLz4 } from './store-lz4.ts'
import { putContest } from './store-put.ts'
import { smallContest } from './store-small.ts'

const BLOCK_BYTES = 1_000_000
const SMALL_CONTENTS = 10_000
const FEW_LIVING = 1000
const MANY_LIVING = 100_000

/** Options of the store bench. */
export interface StoreBenchOptions {
  /** An empty directory on the disk to measure. */
  readonly directory: string
  /** Size of the large content. */
  readonly byteLength: number
  readonly rounds: number
  /** Only the parts whose name contains this text. */
  readonly only: string
}

/** Prints the tables of the store. */
export async function benchStore({ directory, byteLength, rounds, only }: StoreBenchOptions): Promise<void> {
  const parts: Record<string, () => Promise<Contest>> = {
    put: () => putContest(directory, byteLength),
    store: () => storeContest(directory, byteLength),
    read: () => readContest(directory, byteLength),
    'read-buffer': () => readContest(directory, byteLength, { intoBuffer: true }),
    small: () => Promise.resolve(smallContest(directory, SMALL_CONTENTS)),
    collection: () => collectionContest(directory, FEW_LIVING, MANY_LIVING),
  }
  const contests: Contest[] = []
  for (const [name, make] of Object.entries(parts)) if (name.includes(only)) contests.push(await make())
  console.log(`\n${machineLine()}`)
  if (contests.length > 0) await holdContests(`store, ${byteLength / 2 ** 20} MiB`, contests, rounds)
  if ('lz4'.includes(only)) await benchLz4(directory, rounds)
}

/** Storing an entry, compared with just the hashing and file system calls that it requires. */
async function storeContest(directory: string, byteLength: number): Promise<Contest> {
  const bytes = noise(byteLength, 1)
  const [hive, files] = [join(directory, 'hive'), join(directory, 'files')]
  return {
    what: 'store, in one process',
    peerName: 'SHA-256 by OpenSSL, then the same files written and fsynced',
    amount: byteLength / 1e6,
    unit: 'MB',
    async ours() {
      const cost = await timed(() => storeEntry(hive, bytes))
      await rm(hive, { recursive: true })
      return cost
    },
    async peer() {
      const cost = await timed(async () => {
        createHash('sha256').update(bytes).digest()
        await writeFiles(files, bytes)
      })
      await rm(files, { recursive: true })
      return cost
    },
  }
}

/** Reading an entry, in new chunks or into one buffer, compared with reading the files. */
async function readContest(
  directory: string,
  byteLength: number,
  { intoBuffer = false }: { intoBuffer?: boolean } = {},
): Promise<Contest> {
  const bytes = noise(byteLength, 1)
  const folder = join(directory, intoBuffer ? 'read-buffer' : 'read')
  const [hive, files] = [join(folder, 'hive'), join(folder, 'files')]
  await mkdir(folder)
  await storeEntry(hive, bytes)
  await writeFiles(files, bytes)
  return {
    what: intoBuffer ? 'read back, into a buffer' : 'read back',
    peerName: 'the same files, read one after the other',
    amount: byteLength / 1e6,
    unit: 'MB',
    target: 0.8,
    ours: () =>
      timed(async () => {
        const backend = await directoryBackend(hive)
        const entry = await new LocalHive(new StreamStore(backend)).open('x')
        await (intoBuffer ? drainIntoBuffer(entry.stream(), BLOCK_BYTES) : drain(entry.stream()))
        await backend.close()
      }),
    peer: () =>
      timed(async () => {
        for (const name of await readdir(files)) await readFile(join(files, name))
      }),
  }
}

async function storeEntry(directory: string, bytes: Uint8Array): Promise<void> {
  const backend = await directoryBackend(directory)
  const hive = new LocalHive(new StreamStore(backend))
  await bytesSource(bytes).stream().pipeTo(hive.sink('x'))
  await backend.close()
}

async function writeFiles(directory: string, bytes: Uint8Array): Promise<void> {
  await mkdir(directory)
  for (let offset = 0; offset < bytes.byteLength; offset += BLOCK_BYTES) {
    const file = await open(join(directory, String(offset).padStart(12, '0')), 'w')
    await file.write(bytes.subarray(offset, offset + BLOCK_BYTES))
    await file.sync()
    await file.close()
  }
}
