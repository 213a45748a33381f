import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { directoryBackend } from '../../src/backends/directory.ts'
import { StreamStore } from '../../src/store.ts'
import { startChild, startChildIn } from './child-program.ts'
import { BLOCK_SIZE } from './crash-hive.ts'
import { putContent, recover } from './crash-recovery.ts'
import { CrashSlot } from './crash-slot.ts'
import { type DeathPlan, type Manner, RARE_STEPS, STEPS } from './crash-steps.ts'
import { VirtualHost } from './virtual-host.ts'

/** Options of a crash loop. */
export interface CrashLoopOptions {
  /** Number of processes that are killed. */
  readonly kills: number
  readonly seed: number
  readonly manner: Manner
  /**
   * Whether the processes commit in threads, which take as much CPU time again.
   * @default false
   */
  readonly thread?: boolean
  /**
   * Names of the processes that run on Bun, which starts twice as fast as Node. The others run on the runtime of the caller.
   * @default none
   */
  readonly onBun?: string
}

/** The results of a crash loop. */
export interface CrashReport {
  /** Number of kills by moment and step: `before commit: store`. */
  readonly histogram: ReadonlyMap<string, number>
  /** Number of actions that were acknowledged. */
  readonly acknowledged: ReadonlyMap<string, number>
  /** What is wrong. */
  readonly problems: readonly string[]
}

/** The names of the processes that run at the same time. */
const SLOTS = ['A', 'B', 'C']
/** An entry that always exists, because a hive that has blocks but no rows counts as an incomplete copy. */
const KEEPER = 'keeper'
/** Number of kills while the hive is being created, each one step later than the previous one. */
const EARLY_KILLS = 10

/** Every moment at which a process can be made to die. */
export const DEATHS: readonly Omit<DeathPlan, 'skip'>[] = Object.keys(STEPS).flatMap((step) => {
  const whens = step.startsWith('write') ? (['before', 'half', 'after'] as const) : (['before', 'after'] as const)
  return whens.map((when) => ({ step, when }))
})

/** Kills processes that change one hive concurrently, then recovers the hive. Returns what is wrong. */
export async function runCrashLoop(
  root: string,
  { kills, seed, manner, thread = false, onBun = '' }: CrashLoopOptions,
): Promise<CrashReport> {
  const directory = join(root, 'new', 'hive')
  const random = new VirtualHost({ seed })
  const histogram = new Map<string, number>()
  const problems: string[] = []
  const slots = SLOTS.map((name) => new CrashSlot(name))
  const kill = async (slot: CrashSlot, { step, when, skip }: DeathPlan): Promise<void> => {
    const args = [
      slot.name,
      String(pick(random, 2 ** 31)),
      step,
      when,
      String(skip),
      manner,
      thread ? 'threaded' : 'direct',
    ]
    const child = onBun.includes(slot.name)
      ? startChildIn('bun', 'crash-child', directory, ...args)
      : startChild('crash-child', directory, ...args)
    let errors = ''
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk))
    const closed = once(child, 'close')
    let death: string | undefined
    for await (const line of createInterface({ input: child.stdout })) {
      if (line.startsWith('dies ')) death = line.slice(5)
      else slot.hear(line)
    }
    const [code, signal] = (await closed) as [number | null, string | null]
    if (signal !== 'SIGKILL' || death === undefined) problems.push(`a process ended with ${code ?? signal}: ${errors}`)
    else histogram.set(death, (histogram.get(death) ?? 0) + 1)
  }

  const early = Math.min(EARLY_KILLS, Math.floor(kills / 4))
  for (let i = 0; i < early; i++)
    await kill(slots[0]!, { step: '', when: (i + seed) % 2 ? 'after' : 'before', skip: i })
  const store = new StreamStore(await directoryBackend(directory), { blockSize: BLOCK_SIZE })
  await putContent(store, KEEPER, 2)
  await store.close()
  const plans = deathPlans(random, kills - early)
  await Promise.all(
    slots.map(async (slot) => {
      for (const plan of plans) await kill(slot, plan)
    }),
  )

  const { problems: found, orphans, held } = await recover(directory, join(root, 'fresh'))
  problems.push(...found)
  for (const slot of slots) {
    const values = [...held.aliases, ...[...held.references].map(([name, { content }]) => [name, content] as const)]
    const own = values.filter(([name]) => name.startsWith(slot.name))
    slot.compare(new Map(own.map(([name, content]) => [name, String(content)])))
    problems.push(...slot.problems)
  }
  const stranded = new Set(slots.flatMap((slot) => [...slot.stranded]))
  const lost = [...orphans, ...slots.flatMap((slot) => [...slot.orphans])].filter((object) => !stranded.has(object))
  // A put that arrives after its upload was collected leaves such an object. That happens only with hasty collectors.
  if (manner === 'patient') problems.push(...lost.map((object) => `no row names object ${object}`))
  const steps = [...histogram.keys()].map((death) => death.slice(death.indexOf(' ') + 1))
  const unknown = steps.filter((step) => !(step in STEPS) && !RARE_STEPS.includes(step))
  problems.push(...unknown.map((step) => `a step without a name: ${step}`))
  return { histogram, acknowledged: sumOf(slots.map((slot) => slot.acknowledged)), problems }
}

/** Yields all deaths in random order, repeatedly. In the first round, each process dies at the first such step. */
function* deathPlans(random: VirtualHost, count: number): Generator<DeathPlan, void> {
  for (let cycle = 0; cycle * DEATHS.length < count; cycle++) {
    const plans = DEATHS.map((death) => ({
      ...death,
      skip: pick(random, Math.min(cycle + 1, 4)),
      order: random.fraction(),
    }))
    // Whoever dies in the middle of an abort leaves intents, which the next collection forgets.
    const { order } = plans.find(({ step, when }) => step === 'commit: give up an upload' && when === 'after')!
    for (const plan of plans) if (plan.step === 'commit: forget an intent') Object.assign(plan, { order, skip: 0 })
    yield* plans.toSorted((a, b) => a.order - b.order).slice(0, count - cycle * DEATHS.length)
  }
}

function pick(random: VirtualHost, count: number): number {
  return Math.floor(random.fraction() * count)
}

/** Adds up counts by name. */
export function sumOf(all: readonly ReadonlyMap<string, number>[]): Map<string, number> {
  const sums = new Map<string, number>()
  for (const counts of all) {
    for (const [what, count] of counts) sums.set(what, (sums.get(what) ?? 0) + count)
  }
  return sums
}

/** Returns a table of where the kills hit and what was acknowledged, as text. */
export function histogramOf({ histogram, acknowledged }: Omit<CrashReport, 'problems'>): string {
  const rows = [...RARE_STEPS, ...Object.keys(STEPS)].map((step) => {
    const counts = ['before', 'half', 'after'].map((when) => String(histogram.get(`${when} ${step}`) ?? 0).padStart(7))
    return step.padEnd(34) + counts.join('')
  })
  const done = [...acknowledged].map(([what, count]) => `${count} ${what}`)
  return [`${'killed'.padEnd(34)} before   half  after`, ...rows, `acknowledged: ${done.join(', ')}`].join('\n')
}
