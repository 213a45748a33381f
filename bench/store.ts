import { createHash } from 'node:crypto'
import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { bytesSource, LocalHive, StreamStore } from 'combstream'
import { directoryBackend } from 'combstream/backends/directory'
import type { Contest } from './contest.ts'
import { drain } from './drain.ts'
import { noise } from './noise.ts'

const BLOCK_BYTES = 1_000_000

/** Storing and reading an entry on disk, compared with just the hashing and file system calls that it requires. */
export async function benchStore(directory: string, byteLength: number): Promise<Contest[]> {
  const bytes = noise(byteLength, 1)
  const files = join(directory, 'files')
  let round = 0
  await storeEntry(join(directory, 'kept'), bytes)
  await writeFiles(files, bytes)

  return [
    {
      what: 'store',
      peerName: 'SHA-256 by OpenSSL, then the same files written and fsynced',
      async ours() {
        const hive = join(directory, `hive-${round++}`)
        await storeEntry(hive, bytes)
        await rm(hive, { recursive: true })
      },
      async peer() {
        const folder = join(directory, `files-${round++}`)
        createHash('sha256').update(bytes).digest()
        await writeFiles(folder, bytes)
        await rm(folder, { recursive: true })
      },
    },
    {
      what: 'read back',
      peerName: 'the same files, read one after the other',
      async ours() {
        const backend = await directoryBackend(join(directory, 'kept'))
        await drain((await new LocalHive(new StreamStore(backend)).open('x')).stream())
        await backend.close()
      },
      async peer() {
        for (const name of await readdir(files)) await readFile(join(files, name))
      },
    },
  ]
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
