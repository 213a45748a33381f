import { Argument, type Command } from 'commander'
import { collect } from '../bytes/collect.ts'
import { IntegrityError } from '../errors.ts'
import type { Hive } from '../hive/hive.ts'
import type { ScrubReport } from '../store/scrubbing/scrub-report.ts'
import { type CheckedHive, type DamagedEntry, checkReportLines, checkReportToJson, useOf } from './check-report.ts'
import type { CommandContext } from './command-context.ts'
import { count } from './count.ts'
import { addHive, type HivePlace, isUrl, schemeOf, withPlace } from './hive-place.ts'
import { openLocal } from './open-hive.ts'
import { printLine } from './print-line.ts'
import { writeOut } from './stdio.ts'
import { UsageError } from './usage-error.ts'

interface CheckOptions {
  readonly repair?: true
  readonly force?: true
  readonly json?: true
  readonly progress: boolean
}

/** Adds `comb check`. */
export function addCheckCommand(program: Command, { signal }: CommandContext): void {
  addHive(program.command('check'), new Argument('<dir>', 'directory of the hive'))
    .description('Reads all data of a hive, and reports what is damaged, and which blocks nothing uses.')
    .option('--repair', 'mark what is damaged, so that storing it again repairs it, and free space that nothing uses')
    .option('--force', 'with --repair: free that space even if it is suspiciously much')
    .option('--json', 'print a JSON object')
    .option('--no-progress', 'do not show a progress bar')
    .addHelpText('after', '\nExits with 1 if something is damaged.\n\nExample:\n  comb check ./data --repair')
    .action(withPlace((place, options: CheckOptions) => check(place, options, signal)))
}

async function check(place: HivePlace, options: CheckOptions, signal: AbortSignal): Promise<void> {
  const { repair = false, force = false, json, progress } = options
  if (isUrl(place)) throw new UsageError(`a server cannot be checked from outside; give its directory, not ${place}`)
  if (force && !repair) throw new UsageError('--force is for --repair')
  const { hive, store, close } = await openLocal(place, { readOnly: !repair, signal })
  let checked: CheckedHive
  try {
    const damagedRows: DamagedEntry[] = []
    const mismatches: DamagedEntry[] = []
    for await (const { alias, damage } of hive.entries({ signal })) {
      const mismatch = damage === undefined ? await mismatchOf(hive, alias, signal) : undefined
      if (damage !== undefined) damagedRows.push({ alias, damage })
      if (mismatch !== undefined) mismatches.push({ alias, damage: mismatch })
    }
    const report = await withBar(progress, (onProgress) => store.scrub({ repair, force, signal, onProgress }))
    const problems = [...(await problemsOfDatabase(place)), ...report.problems]
    // Where the stream is damaged, that explains why its entry does not describe it.
    const explained = new Set(report.damaged.list.flatMap((stream) => useOf(stream).entries))
    const damagedEntries = [...damagedRows, ...mismatches.filter(({ alias }) => !explained.has(alias))]
    checked = { report: { ...report, problems }, damagedEntries }
  } catch (error) {
    const { name, message } = error as Error
    if (name !== 'RepairRefusedError') throw error
    throw new Error(`${message}; with --force, these objects are moved to the trash`, { cause: error })
  } finally {
    await close()
  }
  await writeOut(json ? `${JSON.stringify(checkReportToJson(checked))}\n` : checkReportLines(checked, repair).join(''))
  const { report, damagedEntries } = checked
  for (const { message } of report.problems) printLine(message)
  const found = [
    { number: report.damaged.streams, what: 'damaged stream' },
    { number: damagedEntries.length, what: 'damaged entry row' },
    { number: report.problems.length, what: 'other problem' },
  ].filter(({ number }) => number > 0)
  if (found.length > 0) {
    throw new IntegrityError(`found ${found.map(({ number, what }) => count(number, what)).join(', ')}`)
  }
}

/** Opens an entry and reads nothing, which compares its row with that of the stream that it names. */
async function mismatchOf(hive: Hive, alias: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    const entry = await hive.open(alias, { consistency: 'snapshot', signal })
    await collect(entry.stream({ start: 0, end: 0, signal }))
    return undefined
  } catch (error) {
    const { name, message } = error as Error
    if (name === 'IntegrityError') return message
    // It has been removed meanwhile, or a later version has written the stream: the scrub reports that.
    if (name === 'NotFoundError' || name === 'FormatError') return undefined
    throw error
  }
}

/** What SQLite finds wrong with its database, if the rows are in a directory. */
async function problemsOfDatabase(place: HivePlace): Promise<readonly Error[]> {
  const directory = typeof place === 'string' ? place : place.metadata
  if (schemeOf(directory) !== undefined) return []
  const { databaseProblems } = await import('../backends/directory/database-problems.ts')
  return databaseProblems(directory)
}

/** Calls `work` with a function that moves a progress bar on, if standard error is a terminal. */
async function withBar<T>(
  wanted: boolean,
  work: (onProgress: ((report: ScrubReport) => void) | undefined) => Promise<T>,
): Promise<T> {
  if (!wanted || !process.stderr.isTTY) return work(undefined)
  const { ProgressBar } = await import('./progress-bar.ts')
  let bar: InstanceType<typeof ProgressBar> | undefined
  let bytes = 0
  const onProgress = ({ objects, orphans, checked }: ScrubReport): void => {
    if (checked.bytes === bytes) return
    bar ??= new ProgressBar('checked', objects.bytes - orphans.bytes)
    bar.add(checked.bytes - bytes)
    bytes = checked.bytes
  }
  try {
    const result = await work(onProgress)
    bar?.finish()
    return result
  } catch (error) {
    bar?.clear()
    throw error
  }
}
