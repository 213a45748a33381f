/**
 * A process that stores, marks, unmarks, updates, removes, collects and scrubs in a directory where others do the same,
 * until it kills itself at a given step. It starts by reading everything that its predecessors of the same name have
 * stored. It prints a line before and after each action.
 *
 * Arguments: the directory, its own name, a seed, the step at which it dies, when it dies (before, half-way or after),
 * the number of such steps to skip, whether it collects before leases are over (`hasty`) or not (`patient`), and whether
 * it commits in a thread (`threaded`) or not (`direct`).
 */
import module from 'node:module'
import process from 'node:process'
import { toHex } from '../../src/bytes/byte-text.ts'
import { LocalHive } from '../../src/hive.ts'
import { StreamStore, systemHost } from '../../src/store.ts'
import {
  BLOCK_SIZE,
  COMMON_CONTENTS,
  CONTENTS,
  contentOf,
  digestOfContent,
  LONGEST,
  NAMES,
  readHeld,
  rowOf,
} from './crash-hive.ts'
import { type Action, type DeathPlan, type Manner, openCounted, say, STEPS, Steps } from './crash-steps.ts'
import { hastyHost } from './hasty-collector.ts'
import { text } from './store-tools.ts'
import { VirtualHost } from './virtual-host.ts'

/** After this many actions, the process dies at the next step even if its own step has not come. */
const MAX_ACTIONS = 20

const [directory, name, seed, step, when, skip, manner, commits] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  DeathPlan['when'],
  string,
  Manner,
  'threaded' | 'direct',
]
const steps = new Steps({ step, when, skip: Number(skip) })
const backend = await openCounted(directory, steps, commits === 'threaded')
const store = new StreamStore(backend, { blockSize: BLOCK_SIZE })
const collectors = [store]
if (manner === 'hasty') collectors.push(new StreamStore(backend, { host: hastyHost(systemHost) }))
const hive = new LocalHive(store)
const random = new VirtualHost({ seed: Number(seed) })
const pick = (count: number): number => Math.floor(random.fraction() * count)
const oneOf = <T>(some: readonly T[]): T => some[pick(some.length)]!

const { aliases, references } = await readHeld(store, name)
/** The content that it removed last. Others may be collecting it. */
let lastGone = 0
for (const [alias, content] of aliases) say(`has ${alias} ${content}`)
for (const [reference, { content }] of references) say(`has ${reference} ${content}`)
say('ready')
// Flushes the cache now, because a killed process does not do so when it ends.
module.flushCompileCache?.()
const all: readonly Action[] = [...new Set(Object.values(STEPS).flat())]
for (let actions = 0; ; actions++) {
  if (actions === MAX_ACTIONS) steps.dieSoon()
  // No object may be stranded in a hive that is being created.
  await act(step === '' ? 'put' : oneOf(pick(4) === 0 ? all : STEPS[step]!))
}

/** Does something between two lines of output. It may fail if a hasty collector can prevent it. */
async function attempt(what: string, work: () => Promise<unknown>): Promise<boolean> {
  say(`begin ${what}`)
  try {
    await work()
    say(`done ${what}`)
    return true
  } catch (error) {
    const { name: kind, outcome } = error as { name: string; outcome?: string }
    if ((kind !== 'BackendError' && kind !== 'NotFoundError') || outcome === 'unknown') throw error
    say(`failed ${what}`)
    return false
  }
}

async function act(action: Action): Promise<void> {
  const content = oneOf([pick(COMMON_CONTENTS), pick(CONTENTS), lastGone])
  const alias = `${name}.a${pick(NAMES)}`
  const reference = `${name}.r${pick(NAMES)}`
  switch (action) {
    case 'put':
      return await putEntry(alias, content)
    case 'remove':
      return await removeEntry(aliases.has(alias) ? alias : [...aliases.keys()][0])
    case 'store':
      return await replace(reference, content, storeWith)
    case 'store and mark':
      return await replace(reference, content, storeAndMark)
    case 'find or store':
      return await replace(reference, content, findOrStore)
    case 'condemn and store':
      await putEntry(alias, content)
      await removeEntry(alias)
      await attempt('begin', () => beginToCollect())
      return await putEntry(alias, content)
    case 'condemn and mark':
      await replace(reference, content, storeWith)
      await unmark(reference)
      await attempt('begin', () => beginToCollect())
      return await replace(reference, content, findOrStore)
    case 'unmark':
      return await unmark(references.has(reference) ? reference : [...references.keys()][0])
    case 'abort':
      await attempt('abort', async () => {
        const writer = store.sink().getWriter()
        await writer.write(contentOf(LONGEST))
        await writer.abort()
      })
      return
    case 'collect':
      await attempt('collect', async () => {
        const { problems } = await oneOf(collectors).collectGarbage({ graceMs: 0 })
        for (const { message } of problems) say(`problem ${message}`)
      })
      return
    case 'begin to collect':
      await attempt('begin', () => beginToCollect())
      return
    case 'scrub':
      await attempt('scrub', async () => {
        const { problems, damaged, orphans } = await oneOf(collectors).scrub({ repair: true, graceMs: 0 })
        for (const { message } of [...problems, ...damaged.list.map(({ error }) => error)]) say(`problem ${message}`)
        for (const orphan of orphans.names) say(`orphan ${orphan}`)
      })
      return
    case 'strand': {
      // Like a put that arrives after its upload was collected.
      const object = `o.${toHex(systemHost.random(16))}`
      await attempt(`strand ${object}`, () => backend.blocks.put(object, contentOf(1)))
    }
  }
}

/** Collects until a stream is condemned, so that other processes find it in that state. */
async function beginToCollect(): Promise<void> {
  const stop = new AbortController()
  steps.onDone = (done) => {
    if (done === 'commit: condemn') stop.abort(new Error('a stream is condemned'))
  }
  try {
    await store.collectGarbage({ graceMs: 0, signal: stop.signal })
  } catch (error) {
    if (error !== stop.signal.reason) throw error
  } finally {
    steps.onDone = () => undefined
  }
}

async function putEntry(alias: string, content: number): Promise<void> {
  const done = await attempt(`put ${alias} ${content}`, () => blob(content).stream().pipeTo(hive.sink(alias)))
  if (done) aliases.set(alias, content)
}

async function removeEntry(alias: string | undefined): Promise<void> {
  const content = aliases.get(alias ?? '')
  if (alias === undefined || content === undefined) return
  lastGone = content
  if (await attempt(`put ${alias} -`, () => hive.remove(alias))) aliases.delete(alias)
}

async function replace(
  reference: string,
  content: number,
  storeAs: (reference: string, content: number) => Promise<void>,
): Promise<void> {
  await unmark(reference)
  if (!references.has(reference)) await attempt(`put ${reference} ${content}`, () => storeAs(reference, content))
}

async function unmark(reference: string | undefined): Promise<void> {
  const known = references.get(reference ?? '')
  if (reference === undefined || !known) return
  const done = await attempt(`put ${reference} -`, () =>
    store.transaction(async (tx) => {
      tx.delete(text(reference))
      await tx.unmarkAsUsed(known.id, text(reference))
    }),
  )
  lastGone = known.content
  if (done) references.delete(reference)
}

function blob(content: number): Blob {
  return new Blob([contentOf(content)])
}

async function storeWith(reference: string, content: number): Promise<void> {
  let id = ''
  const sink = store.sink({
    reference: text(reference),
    onCommit(tx, stored) {
      id = stored.id
      tx.set(text(reference), rowOf(content, id))
    },
  })
  await blob(content).stream().pipeTo(sink)
  references.set(reference, { content, id })
}

async function storeAndMark(reference: string, content: number): Promise<void> {
  const sink = store.sink()
  await blob(content).stream().pipeTo(sink)
  const { id } = await sink.stored
  await store.transaction(async (tx) => {
    await tx.markAsUsed(id, text(reference))
    tx.set(text(reference), rowOf(content, id))
  })
  references.set(reference, { content, id })
}

async function findOrStore(reference: string, content: number): Promise<void> {
  const digest = await digestOfContent(content)
  const id = await store.transaction(async (tx) => {
    const stored = await tx.getByDigestOrStore(digest, blob(content), text(reference))
    tx.set(text(reference), rowOf(content, stored.id))
    return stored.id
  })
  references.set(reference, { content, id })
}
