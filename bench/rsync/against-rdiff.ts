import { mkdtemp, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { median } from '../median.ts'
import { inTurns, type Measurement } from './competitor.ts'
import { bundle } from './bundle.ts'
import { type Contender, type Contest, contestsOf } from './contest.ts'
import type { Corpus } from './corpora.ts'
import { machineLine } from './machine-line.ts'
import { OwnProcess } from './own-process.ts'
import { rdiffVersion } from './rdiff.ts'
import { targetOf } from './targets.ts'

const HEADINGS = [
  'operation',
  'pair',
  'CPU MB/s',
  "peer's",
  'CPU ratio',
  'target',
  'met',
  'wall ratio',
  'peak MB',
  "peer's",
  'delta bytes',
  "rdiff's",
]

/** What to measure, and how often. */
export interface RdiffBenchOptions {
  /** Directory for scratch files. */
  readonly directory: string
  /** The pairs. */
  readonly corpora: readonly Corpus[]
  /** Size of an old version in bytes. */
  readonly byteLength: number
  /** Number of runs of each competitor. */
  readonly rounds: number
  /** Only rows whose operation and pair contain this text. */
  readonly only: string
}

/** Prints the table of combstream in Node against rdiff. Returns whether every row could be measured. */
export async function benchAgainstRdiff(options: RdiffBenchOptions): Promise<boolean> {
  const { directory, corpora, byteLength, rounds, only } = options
  const version = await rdiffVersion()
  const scratch = await mkdtemp(join(directory, 'scratch-'))
  let rows = 0
  let met = 0
  let targets = 0
  let failures = 0
  try {
    console.log(`\nrsync against ${version}, ${byteLength / 2 ** 20} MiB, medians of ${rounds} rounds`)
    console.log(machineLine())
    const worker = await bundle('own-worker', scratch)
    console.log(`bare Node with the package loaded: ${mb(await idleBytes(worker))} MB\n`)
    const contests = await contestsOf(corpora, scratch, literalLimitOf(version))
    console.log(`| ${HEADINGS.join(' | ')} |\n|${'---|'.repeat(HEADINGS.length)}`)
    for (const contest of contests) {
      const contenders = contest.contenders.filter(({ operation }) => `${operation} ${contest.corpus}`.includes(only))
      if (contenders.length === 0) continue
      const setting = { worker, result: join(scratch, 'result'), byteLength, rounds }
      for (const row of await runContest({ ...contest, contenders }, setting)) {
        rows++
        if (row.failed) failures++
        if (row.target !== undefined) targets++
        if (row.met) met++
        console.log(`| ${HEADINGS.map((_, i) => row.cells[i] ?? '').join(' | ')} |`)
      }
    }
    console.log(`\n${rows} rows, ${failures} not measured, ${met} of ${targets} targets met`)
    return failures === 0
  } finally {
    await rm(scratch, { recursive: true })
  }
}

interface Row {
  readonly cells: readonly string[]
  readonly target: number | undefined
  readonly met: boolean
  readonly failed: boolean
}

interface Setting {
  /** Path of the script that our processes run. */
  readonly worker: string
  /** Path of a file for the result to be checked. */
  readonly result: string
  readonly byteLength: number
  readonly rounds: number
}

/** Checks the result of each contender, then runs all correct ones and the peer in turn. */
async function runContest(contest: Contest, { worker, result, byteLength, rounds }: Setting): Promise<Row[]> {
  const rows: Row[] = []
  const ready: { contender: Contender; process: OwnProcess; size: number }[] = []
  for (const contender of contest.contenders) {
    const process = new OwnProcess(worker, contender.job, contest.output)
    const wrong = await process.write(result).then(
      () => contender.check(result),
      (error: Error) => error.message,
    )
    if (wrong === undefined) {
      ready.push({ contender, process, size: (await stat(result)).size })
    } else {
      await process.close()
      const { operation } = contender
      const target = targetOf(operation, contest.corpus)
      rows.push({ cells: [operation, contest.corpus, `not measured: ${wrong}`], target, met: false, failed: true })
    }
    await rm(result, { force: true })
  }
  const peer = contest.peer(worker)
  try {
    if (ready.length === 0) return rows
    const runs = await inTurns([...ready.map(({ process }) => process), peer], rounds)
    const theirs = summary(runs.pop()!)
    for (const [i, { contender, size }] of ready.entries()) {
      rows.push(await rowOf(contest, contender, summary(runs[i]!), theirs, size, byteLength))
    }
    return rows
  } finally {
    await Promise.all([peer, ...ready.map(({ process }) => process)].map((competitor) => competitor.close()))
  }
}

function summary(runs: readonly Measurement[]): Measurement {
  return {
    cpuMs: median(runs.map(({ cpuMs }) => cpuMs)),
    wallMs: median(runs.map(({ wallMs }) => wallMs)),
    peakBytes: Math.max(...runs.map(({ peakBytes }) => peakBytes)),
  }
}

async function rowOf(
  { corpus, peerDelta }: Contest,
  { operation }: Contender,
  ours: Measurement,
  theirs: Measurement,
  size: number,
  byteLength: number,
): Promise<Row> {
  const target = targetOf(operation, corpus)
  const ratio = theirs.cpuMs / ours.cpuMs
  const met = target !== undefined && ratio >= target
  const speed = ({ cpuMs }: Measurement): string => (byteLength / 1000 / cpuMs).toFixed(0)
  const cells = [
    operation,
    corpus,
    speed(ours),
    speed(theirs),
    ratio.toFixed(2),
    target === undefined ? '–' : target.toFixed(2),
    target === undefined ? '–' : met ? 'yes' : 'NO',
    (theirs.wallMs / ours.wallMs).toFixed(2),
    mb(ours.peakBytes),
    mb(theirs.peakBytes),
    peerDelta === undefined ? '' : String(size),
    peerDelta === undefined ? '' : String((await stat(peerDelta)).size),
  ]
  return { cells, target, met, failed: false }
}

/** librsync's literal limit changed in 2.3.3. */
function literalLimitOf(version: string): number {
  const [, major, minor, patch] = /(\d+)\.(\d+)\.(\d+)/.exec(version)?.map(Number) ?? []
  if (major === undefined) throw new Error(`cannot parse the version of rdiff: ${version}`)
  return major * 1e6 + minor! * 1e3 + patch! < 2_003_003 ? 32768 : 65533
}

async function idleBytes(worker: string): Promise<number> {
  const idle = new OwnProcess(worker, { kind: 'idle' })
  try {
    return (await idle.run()).peakBytes
  } finally {
    await idle.close()
  }
}

function mb(bytes: number): string {
  return (bytes / 1e6).toFixed(0)
}
