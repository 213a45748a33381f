import process from 'node:process'
import { median } from './median.ts'

/** The cost of one run. */
export interface Cost {
  /** Wall time in milliseconds. */
  readonly wallMs: number
  /** CPU time of all threads, user and system, in milliseconds. */
  readonly cpuMs: number
}

/** One row of a bench: the same work, done by combstream and by a peer. */
export interface Contest {
  /** The kind of work. */
  readonly what: string
  /** The peer's name. */
  readonly peerName: string
  /** How much work it is, in `unit`. */
  readonly amount: number
  /** The unit of `amount`, such as "MB". */
  readonly unit: string
  /** The least ratio of the peer's wall time to ours. */
  readonly target?: number
  /**
   * What stands for all rounds.
   * @default 'median'
   */
  readonly average?: 'median' | 'mean'
  /** Does the work with combstream. Returns its cost. */
  ours(): Promise<Cost>
  /** Does the work with the peer. Returns its cost. */
  peer(): Promise<Cost>
}

/**
 * Prints a table of contests. The two sides alternate, so that other load on the machine affects both. The ratios are
 * those of the peer's time to ours.
 */
export async function holdContests(name: string, contests: readonly Contest[], rounds: number): Promise<void> {
  console.log(`\n${name}, medians of ${rounds} rounds\n`)
  console.log(
    '| what | combstream | peer | ratio | target | met | CPU ratio | peer |\n|---|---|---|---|---|---|---|---|',
  )
  for (const contest of contests) {
    const ours: Cost[] = []
    const theirs: Cost[] = []
    for (let round = 0; round < rounds; round++) {
      ours.push(await contest.ours())
      theirs.push(await contest.peer())
    }
    console.log(`| ${cellsOf(contest, ours, theirs).join(' | ')} |`)
  }
}

function cellsOf(contest: Contest, ours: readonly Cost[], theirs: readonly Cost[]): string[] {
  const { amount, unit, target, peerName, average = 'median' } = contest
  const what = `${contest.what}${average === 'mean' ? ' (means)' : ''}`
  const averageOf = average === 'mean' ? mean : median
  const [own, peer] = [ours, theirs].map((costs) => ({
    wallMs: averageOf(costs.map(({ wallMs }) => wallMs)),
    cpuMs: averageOf(costs.map(({ cpuMs }) => cpuMs)),
  })) as [Cost, Cost]
  const speed = ({ wallMs }: Cost): string => `${((amount * 1000) / wallMs).toFixed(0)} ${unit}/s`
  const ratio = peer.wallMs / own.wallMs
  return [
    what,
    speed(own),
    speed(peer),
    ratio.toFixed(2),
    target === undefined ? '' : target.toFixed(2),
    target === undefined ? '' : ratio >= target ? 'yes' : 'NO',
    (peer.cpuMs / own.cpuMs).toFixed(2),
    peerName,
  ]
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** Does some work in this process, and measures it. */
export async function timed(work: () => Promise<unknown>): Promise<Cost> {
  const start = performance.now()
  const cpu = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(cpu)
  return { wallMs: performance.now() - start, cpuMs: (user + system) / 1000 }
}
