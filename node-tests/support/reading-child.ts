/**
 * A process that reads a hive as somebody who may not write there: as `nobody`, if it was started by the superuser. It
 * opens it to read only, then as always, and prints what it found as JSON, one line for each.
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
// Nobody may not be able to read the modules that are loaded when they are first needed.
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
