import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { fromHex } from '../../src/bytes/byte-text.ts'
import { type Backend, type ScrubReport, StreamStore } from '../../src/store.ts'
import { systemHost } from '../../src/store/host.ts'
import { RowKeys } from '../../src/store/rows/row-keys.ts'
import { parseStream } from '../../src/store/rows/row-values.ts'
import { type Fault, faulty, type FaultyBackend } from '../support/faulty-backend.ts'
import { collectHastily, copyOf } from '../support/hasty-collector.ts'
import { harmThrough, objectsOf } from '../support/healing-suite.ts'
import { inspectStore } from '../support/inspect-store.ts'
import { sample } from '../support/sample.ts'
import { put, text } from '../support/store-tools.ts'
import { VirtualHost } from '../support/virtual-host.ts'

const KEYS = new RowKeys('')
const BUDGET = { ...systemHost.budget, scrubObjects: 5, tries: 3 }

/**
 * Makes a store with a damaged stream, uploads, trash and unnamed objects, so that a repair takes each of its steps.
 */
async function prepare(): Promise<{ memory: Backend; damaged: string }> {
  const memory = memoryBackend()
  const host = new VirtualHost({ budget: BUDGET })
  const store = new StreamStore(memory, { blockSize: 1, host })
  await put(store, text('whole'), { reference: text('a') })
  const { id: damaged } = await put(store, text('bad'), { reference: text('b') })
  await put(store, text('trash'))
  host.advance(86_400_000)
  await new StreamStore(memory, { host }).collectGarbage()
  const [object] = await objectsOf(memory, damaged)
  await harmThrough(memory, object!, () => undefined)
  for (let i = 0; i < 3; i++) await memory.blocks.put(KEYS.object(new Uint8Array(16).fill(i * 100)), text('stray'))
  return { memory, damaged }
}

let prepared: ReturnType<typeof prepare> | undefined

interface Run {
  readonly backend: FaultyBackend
  readonly memory: Backend
  readonly result: PromiseSettledResult<ScrubReport> | 'crashed'
}

/** Checks that a disturbed scrub has broken nothing, and that the next one repairs everything. */
async function repairAfter(
  fault: (run: AbortController) => Fault | undefined,
  at: number,
  where: string,
): Promise<Run> {
  prepared ??= prepare()
  const { memory: before, damaged } = await prepared
  const memory = await copyOf(before)
  const host = new VirtualHost({ seed: 5, budget: BUDGET })
  const run = new AbortController()
  const backend = faulty(memory, ({ index }) => (index === at ? fault(run) : undefined), host)
  const store = new StreamStore(backend, { blockSize: 1, inMemoryThreshold: 2, host })
  const scrubbing = store.scrub({ repair: true, signal: run.signal })
  const result = await Promise.race([
    Promise.allSettled([scrubbing]).then(([each]) => each),
    backend.crashed.then(() => 'crashed' as const),
  ])
  const { problems, stored } = await inspectStore(memory)
  const ours = problems.filter((problem) => !problem.startsWith('no row names') && !problem.includes(damaged))
  expect(ours, where).toEqual([])
  expect([...stored.values()], where).toContain('whole')

  const report = await new StreamStore(memory, { host }).scrub({ repair: true })
  expect(report.damaged, where).toMatchObject({ streams: 1, marked: 1 })
  expect(parseStream((await memory.metadata.get(KEYS.stream(fromHex(damaged)!)))!.value).damaged, where).toBe(true)
  await backend.arrive()
  await collectHastily(memory, host)
  const after = await inspectStore(memory)
  expect(after.counts['t'], where).toBeUndefined()
  expect(after.objects, where).toBe('whole'.length + 'bad'.length - 1)
  return { backend, memory, result }
}

async function stepsOf(): Promise<number> {
  const { backend, result } = await repairAfter(() => undefined, -1, 'undisturbed')
  expect(result).toMatchObject({ status: 'fulfilled' })
  const operations = new Set(backend.steps.map(({ operation }) => operation))
  expect(operations).toEqual(new Set(['get', 'list', 'commit', 'blocks.list', 'blocks.get']))
  return backend.steps.length
}

describe('a scrub that is disturbed at any step', () => {
  it('rejects with the reason of its signal, and the next one continues', async () => {
    const reason = new Error('enough')
    const count = await stepsOf()
    for (const at of sample(Array.from({ length: count }, (_, i) => i))) {
      const abort = (run: AbortController): undefined => {
        run.abort(reason)
        return undefined
      }
      const { result, backend } = await repairAfter(abort, at, `aborted at ${at}`)
      expect(result, `aborted at ${at}`).toEqual({ status: 'rejected', reason })
      // No calls start after the abort, except those that were already running beside the aborted one.
      expect(backend.steps.length, `aborted at ${at}`).toBeLessThanOrEqual(at + 3)
    }
  })

  it.each(['busy', 'fail', 'lost', 'late', 'crash-before', 'crash-after'] as const)(
    'survives a call that meets "%s"',
    async (fault) => {
      const count = await stepsOf()
      for (const at of sample(Array.from({ length: count }, (_, i) => i))) {
        const { result, backend } = await repairAfter(() => fault, at, `${fault} at ${at}`)
        const operation = backend.steps[at]!.operation
        const what = `${fault} at ${at}, ${operation}`
        if (fault.startsWith('crash')) expect(result, what).toBe('crashed')
        // A block that cannot be read is damage, not a failure of the scrub.
        else if (fault === 'fail' && operation !== 'blocks.get')
          expect(result, what).toMatchObject({ status: 'rejected', reason: { name: 'BackendError' } })
        else expect(result, what).toMatchObject({ status: 'fulfilled' })
      }
    },
  )
})
