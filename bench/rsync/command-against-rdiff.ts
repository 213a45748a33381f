import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { median } from '../median.ts'
import type { RdiffBenchOptions } from './against-rdiff.ts'
import { inTurns, type Measurement } from './competitor.ts'
import type { Corpus } from './corpora.ts'
import { equalFiles } from './equal-files.ts'
import { machineLine } from './machine-line.ts'
import { rdiff, rdiffProcess, rdiffVersion } from './rdiff.ts'
import { WholeProcess } from './whole-process.ts'

const HEADINGS = ['command', 'pair', 'CPU ms', "peer's", 'ratio', 'target', 'met', 'wall ratio', 'peak MB', "peer's"]
const COMB_MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const COMB_RDIFF = [process.execPath, COMB_MAIN, 'rdiff', '-f'] as const

/**
 * The least ratio of the peer's CPU time to ours. It includes the start of Node, which dominates where little is done.
 */
const TARGETS = { start: 1 / 2, signature: 1.2, delta: 1.2, different: 4, patch: 0.8 } as const

/** The same work, done by a process of ours and one of a peer. */
interface Row {
  readonly command: string
  readonly pair: string
  readonly target: number
  readonly ours: WholeProcess
  readonly peer: WholeProcess
  /** Does the work once, into a file. Returns whether the result is right. */
  check(result: string): Promise<boolean>
}

/**
 * Prints the table of whole processes of `comb rdiff` against rdiff, their starts and their files included. Returns
 * whether every row could be measured.
 */
export async function benchCommand(options: RdiffBenchOptions): Promise<boolean> {
  const { directory, corpora, byteLength, rounds, only } = options
  const version = await rdiffVersion()
  const scratch = await mkdtemp(join(directory, 'scratch-'))
  try {
    console.log(`\nthe command against ${version}, ${byteLength / 2 ** 20} MiB, medians of ${rounds} rounds`)
    console.log(`${machineLine()}\n`)
    console.log(`| ${HEADINGS.join(' | ')} |\n|${'---|'.repeat(HEADINGS.length)}`)
    const rows = await rowsOf(corpora, scratch)
    let failures = 0
    let met = 0
    let count = 0
    for (const row of rows.filter(({ command, pair }) => `${command} ${pair}`.includes(only))) {
      count++
      if (await row.check(join(scratch, 'checked'))) {
        const [ours, theirs] = await inTurns([row.ours, row.peer], rounds)
        const { cells, isMet } = cellsOf(row, ours!, theirs!)
        console.log(`| ${cells.join(' | ')} |`)
        if (isMet) met++
      } else {
        console.log(`| ${row.command} | ${row.pair} | not measured: the result is wrong |`)
        failures++
      }
      await rm(join(scratch, 'checked'), { force: true })
    }
    console.log(`\n${count} rows, ${failures} not measured, ${met} of ${count} targets met`)
    return failures === 0
  } finally {
    await rm(scratch, { recursive: true })
  }
}

async function rowsOf(corpora: readonly Corpus[], scratch: string): Promise<Row[]> {
  const rows: Row[] = [await startRow(scratch)]
  const deltas: Row[] = []
  const patches: Row[] = []
  for (const { name, basis, edited } of corpora) {
    const [signature, delta] = [join(scratch, `${name}.signature`), join(scratch, `${name}.delta`)]
    await rdiff('signature', basis, signature)
    await rdiff('delta', signature, edited, delta)
    rows.push({
      command: 'signature',
      pair: name,
      target: TARGETS.signature,
      ours: combProcess('signature', basis, '/dev/null'),
      peer: rdiffProcess('signature', basis, '/dev/null'),
      check: (result) => makes(['signature', basis, result], result, signature),
    })
    deltas.push({
      command: 'delta',
      pair: name,
      target: name === 'different' ? TARGETS.different : TARGETS.delta,
      ours: combProcess('delta', signature, edited, '/dev/null'),
      peer: rdiffProcess('delta', signature, edited, '/dev/null'),
      async check(result) {
        await comb('delta', signature, edited, result)
        const patched = `${result}.patched`
        await rdiff('patch', basis, result, patched)
        const isRight = await equalFiles(patched, edited)
        await rm(patched)
        return isRight
      },
    })
    // The output is a file: without one, a patch would come down to reading its basis. The file is new for each run,
    // because rdiff would free the memory of an old file before it writes, and comb only afterwards. Writing takes
    // several times as long if no free memory is at hand.
    const output = join(scratch, 'patched')
    patches.push({
      command: 'patch',
      pair: name,
      target: TARGETS.patch,
      ours: new WholeProcess([...COMB_RDIFF, 'patch', basis, delta, output], output),
      peer: new WholeProcess(['rdiff', 'patch', basis, delta, output], output),
      check: (result) => makes(['patch', basis, delta, result], result, edited),
    })
  }
  return [...rows, ...deltas, ...patches]
}

/** The signature of an empty file, compared with a Node program that does nothing. */
async function startRow(scratch: string): Promise<Row> {
  const [empty, nothing] = [join(scratch, 'empty'), join(scratch, 'nothing.mjs')]
  await writeFile(empty, '')
  await writeFile(nothing, '')
  const expected = join(scratch, 'empty.signature')
  await rdiff('signature', empty, expected)
  return {
    command: 'signature',
    pair: 'an empty file, against bare Node',
    target: TARGETS.start,
    ours: combProcess('signature', empty, '/dev/null'),
    peer: new WholeProcess([process.execPath, nothing]),
    check: (result) => makes(['signature', empty, result], result, expected),
  }
}

function combProcess(...args: string[]): WholeProcess {
  return new WholeProcess([...COMB_RDIFF, ...args])
}

async function comb(...args: string[]): Promise<void> {
  const [file, ...first] = COMB_RDIFF
  await promisify(execFile)(file, [...first, ...args])
}

async function makes(args: string[], result: string, expected: string): Promise<boolean> {
  await comb(...args)
  return equalFiles(result, expected)
}

function cellsOf(row: Row, ours: readonly Measurement[], theirs: readonly Measurement[]): Cells {
  const medianOf = (runs: readonly Measurement[], key: keyof Measurement): number => median(runs.map((run) => run[key]))
  const peak = (runs: readonly Measurement[]): string =>
    (Math.max(...runs.map(({ peakBytes }) => peakBytes)) / 1e6).toFixed(0)
  const [ourMs, theirMs] = [medianOf(ours, 'cpuMs'), medianOf(theirs, 'cpuMs')]
  const ratio = theirMs / ourMs
  const isMet = ratio >= row.target
  const wallRatio = medianOf(theirs, 'wallMs') / medianOf(ours, 'wallMs')
  const cells = [
    row.command,
    row.pair,
    ourMs.toFixed(0),
    theirMs.toFixed(0),
    ratio.toFixed(2),
    row.target.toFixed(2),
    isMet ? 'yes' : 'NO',
    wallRatio.toFixed(2),
    peak(ours),
    peak(theirs),
  ]
  return { cells, isMet }
}

interface Cells {
  readonly cells: readonly string[]
  readonly isMet: boolean
}
