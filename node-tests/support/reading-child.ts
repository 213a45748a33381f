/**
 * A process that reads a hive as a user who may not write there: as `nobody`, if the superuser started it. It opens the
 * hive read-only, then normally, and prints what it found as JSON, one line for each.
 *
 * Argument: the directory.
 */
import process from 'node:process'
import { memoryBackend } from '../../src/backends/memory.ts'
import { LocalHive } from '../../src/hive.ts'
import { StreamStore } from '../../src/store.ts'
import { type FoundHive, readAndTryToWrite, readHive } from './read-hive.ts'

const NOBODY = 65_534

const [directory] = process.argv.slice(2) as [string]
// Loads all modules first, because the user `nobody` may not be able to read those that are loaded on demand.
const warm = new LocalHive(new StreamStore(memoryBackend()))
await new Blob(['warm']).stream().pipeTo(warm.sink('warm'))
await readHive(warm)
await import('node:sqlite')
if (process.getuid?.() === 0) {
  process.setgid?.(NOBODY)
  process.setuid?.(NOBODY)
}

for (const readOnly of [true, false]) {
  const found: FoundHive = await readAndTryToWrite(directory, readOnly)
  console.log(JSON.stringify(found))
}
