/**
 * A process that stores, collects or scrubs, on and on in a directory, and says so after each step. It is meant to be killed, and
 * to meet others in the same directory. A collector's clock is a day ahead, so that no lease holds it up.
 *
 * Arguments: the directory, its own name, and how many streams to store, or `collect` or `scrub` until it is killed.
 */
import process from 'node:process'
import { directoryBackend } from '../../src/backends/directory.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { StreamStore, systemHost } from '../../src/store.ts'
import { hastyHost } from './hasty-collector.ts'
import { pattern, text } from './store-tools.ts'

const [directory, name, count] = process.argv.slice(2) as [string, string, string]
const backend = await directoryBackend(directory)
const say = (line: string): unknown => process.stdout.write(`${line}\n`)
if (count === 'collect') {
  const store = new StreamStore(backend, { host: hastyHost(systemHost) })
  for (;;) {
    const { freed, problems } = await store.collectGarbage({ graceMs: 0 })
    for (const problem of problems) say(`problem ${problem.message}`)
    if (freed.streams > 0) say(`freed ${freed.streams}`)
  }
}
const store = new StreamStore(backend, { blockSize: 1000 })
if (count === 'scrub') {
  for (;;) {
    const { checked, damaged, problems } = await store.scrub({ repair: true, force: true })
    for (const { message } of [...problems, ...damaged.list.map(({ error }) => error)]) say(`problem ${message}`)
    if (checked.streams > 0) say(`checked ${checked.streams}`)
  }
}
for (let i = 0; i < Number(count);) {
  const reference = `${name}.${i}`
  // Few contents, so that what one process removes another stores at the same time.
  const length = [0, 900, 2500, 5000, 9500][(i + name.charCodeAt(0)) % 5]!
  try {
    const sink = store.sink({ reference: text(reference) })
    await bytesSource(pattern(length)).stream().pipeTo(sink)
    const { id } = await sink.stored
    say(`stored ${reference} ${length}`)
    i++
    if (i % 4 === 0) continue
    say(`removing ${reference}`)
    await store.transaction((tx) => tx.unmarkAsUsed(id, text(reference)))
  } catch (error) {
    // Collected while it was being stored.
    if ((error as Error).name !== 'BackendError') throw error
  }
}
await store.close()
