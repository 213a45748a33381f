/**
 * A process that makes hives below a directory: one for each line that it reads, whose name the line is; and it stores
 * an entry with its own name in it. It says `ready` first, and then the name of each hive when that is done.
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
// What is loaded when it is first needed must not cost the first hive its rivals.
await (await directoryBackend(join(directory, `of ${name} alone`))).close()
process.stdout.write('ready\n')
for await (const line of createInterface({ input: process.stdin })) {
  const store = new StreamStore(await directoryBackend(join(directory, line)))
  await new Blob([name]).stream().pipeTo(new LocalHive(store).sink(name))
  await store.close()
  process.stdout.write(`${line}\n`)
}
