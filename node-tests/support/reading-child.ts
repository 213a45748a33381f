/**
 * A process that reads hives as a user who may not write there: as `nobody`, if the superuser started it. It opens each
 * hive read-only, then normally, and prints what it found both times as JSON.
 *
 * Input: the directories, each on a line. There is a line of output for each of them.
 */
import process from 'node:process'
import { createInterface } from 'node:readline'
import { memoryBackend } from '../../src/backends/memory.ts'
import { LocalHive } from '../../src/hive.ts'
import { StreamStore } from '../../src/store.ts'
import { type FoundHive, readAndTryToWrite, readHive } from './read-hive.ts'

const NOBODY = 65_534

// Loads all modules first, because the user `nobody` may not be able to read those that are loaded on demand.
const warm = new LocalHive(new StreamStore(memoryBackend()))
await new Blob(['warm']).stream().pipeTo(warm.sink('warm'))
await readHive(warm)
await import('node:sqlite')
if (process.getuid?.() === 0) {
  process.setgid?.(NOBODY)
  process.setuid?.(NOBODY)
}

for await (const directory of createInterface({ input: process.stdin })) {
  const found: FoundHive[] = []
  for (const readOnly of [true, false]) found.push(await readAndTryToWrite(directory, readOnly))
  console.log(JSON.stringify(found))
}
