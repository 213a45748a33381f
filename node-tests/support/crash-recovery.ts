import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { directoryBackend } from '../../src/backends/directory.ts'
import { LocalHive } from '../../src/hive.ts'
import { type Backend, StreamStore, systemHost } from '../../src/store.ts'
import { BLOCK_SIZE, contentOf, type Held, readHeld, rowOf } from './crash-hive.ts'
import { hastyHost } from './hasty-collector.ts'
import { inspectStore } from './inspect-store.ts'
import { text } from './store-tools.ts'

const MIB = 1_048_576

/** The state of a hive after recovery. */
export interface Recovered {
  /** What is wrong. */
  readonly problems: readonly string[]
  /** Objects that no row named before the recovery. */
  readonly orphans: readonly string[]
  readonly held: Held
}

/** Recovers a hive after a crash, and compares it with a fresh one that has the same entries and references. */
export async function recover(directory: string, freshDirectory: string): Promise<Recovered> {
  const backend = await directoryBackend(directory)
  const crashed = await inspectStore(backend)
  const orphans = crashed.problems.flatMap((problem) => /^no row names object (.*)$/.exec(problem)?.[1] ?? [])
  const problems = crashed.problems.filter((problem) => !problem.startsWith('no row names object'))

  // All leases and grace periods are over. A collection removes candidates, intents and trash, then a scrub finds the
  // rest.
  const store = new StreamStore(backend, { host: hastyHost(systemHost) })
  const reports = [
    await store.collectGarbage({ graceMs: 0 }),
    await store.scrub({ repair: true, graceMs: 0 }),
    await store.collectGarbage({ graceMs: 0 }),
  ]
  problems.push(...reports.flatMap((report) => report.problems.map(({ message }) => message)))

  const held = await readHeld(store)
  const fresh = await fill(freshDirectory, held)
  const [actual, expected] = [await summaryOf(backend), await summaryOf(fresh)]
  if (actual !== expected) problems.push(`after recovery there is ${actual}, but a fresh hive has ${expected}`)
  await backend.close()
  await fresh.close()
  const sizes = await Promise.all([directory, freshDirectory].map((each) => stat(join(each, 'metadata.sqlite'))))
  const [size, freshSize] = [sizes[0]!.size, sizes[1]!.size]
  if (size > 2 * freshSize + MIB) problems.push(`the database has ${size} bytes, a fresh one ${freshSize}`)
  return { problems, orphans, held }
}

/** Stores content under an alias. */
export async function putContent(store: StreamStore, alias: string, content: number): Promise<void> {
  await new Blob([contentOf(content)]).stream().pipeTo(new LocalHive(store).sink(alias))
}

async function fill(directory: string, { aliases, references }: Held): Promise<Backend> {
  const backend = await directoryBackend(directory)
  const store = new StreamStore(backend, { blockSize: BLOCK_SIZE })
  for (const [alias, content] of aliases) await putContent(store, alias, content)
  for (const [reference, { content }] of references) {
    const sink = store.sink({
      reference: text(reference),
      onCommit: (tx, { id }) => tx.set(text(reference), rowOf(content, id)),
    })
    await new Blob([contentOf(content)]).stream().pipeTo(sink)
  }
  return backend
}

/** Returns the number of rows of each kind, the number and total size of the objects, and everything that is wrong. */
async function summaryOf(backend: Backend): Promise<string> {
  const { counts, unfinished, problems } = await inspectStore(backend)
  const objects = await backend.blocks.list({ prefix: '', limit: 100_000 })
  const bytes = objects.reduce((sum, { size }) => sum + size, 0)
  const rows = Object.entries(counts).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify({ rows, objects: objects.length, bytes, unfinished, problems })
}
