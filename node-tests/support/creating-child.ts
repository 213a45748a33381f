/**
 * A process that creates hives below a directory: one for each line that it reads, with the line as its name. It stores
 * an entry in each, with the name of the process. It prints `ready` first, then the name of each hive once that is
 * done.
 *
 * Arguments: the directory, its own name.
 */
import { join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { directoryBackend } from '../../src/backends/directory.ts'
import { LocalHive } from '../../src/hive.ts'
import { StreamStore } from '../../src/store.ts'

const [directory, name] = process.argv.slice(2) as [string, string]
// Loads the modules that are loaded on demand. Otherwise the processes would not reach the first hive at the same time.
await (await directoryBackend(join(directory, `of ${name} alone`))).close()
process.stdout.write('ready\n')
for await (const line of createInterface({ input: process.stdin })) {
  const store = new StreamStore(await directoryBackend(join(directory, line)))
  await new Blob([name]).stream().pipeTo(new LocalHive(store).sink(name))
  await store.close()
  process.stdout.write(`${line}\n`)
}
