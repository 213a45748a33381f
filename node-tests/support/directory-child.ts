/**
 * A process that stores one stream after another in a directory, and prints `<id> <reference> <length>` for each. Tests
 * kill it, or run several in the same directory.
 *
 * Arguments: the directory, its own name, how many streams to store.
 */
import process from 'node:process'
import { directoryBackend } from '../../src/backends/directory.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { StreamStore } from '../../src/store.ts'
import { pattern, text } from './store-tools.ts'

const [directory, name, count] = process.argv.slice(2) as [string, string, string]
const store = new StreamStore(await directoryBackend(directory), { blockSize: 1000 })
for (let i = 0; i < Number(count); i += 4) {
  // Some contents are the same in every process, others differ.
  const lengths = [i % 7, 1000 + (i % 3), 4000 + i, 9500 + i + Number(name.charCodeAt(0))]
  await Promise.all(
    lengths.map(async (length, j) => {
      const reference = `${name}.${i + j}`
      const sink = store.sink({ reference: text(reference) })
      await bytesSource(pattern(length)).stream().pipeTo(sink)
      const { id } = await sink.stored
      process.stdout.write(`${id} ${reference} ${length}\n`)
    }),
  )
}
await store.close()
