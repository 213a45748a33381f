import { Argument, type Command, Option } from 'commander'
import type { GarbageReport } from '../store/collecting/collection.ts'
import { formatBytes } from './byte-size.ts'
import type { CommandContext } from './command-context.ts'
import { count } from './count.ts'
import { addHive, type HivePlace, isUrl, withPlace } from './hive-place.ts'
import { openLocal } from './open-hive.ts'
import { printLine } from './print-line.ts'
import { writeOut } from './stdio.ts'
import { UsageError } from './usage-error.ts'

/** A year. */
const MOST_GRACE_S = 31_536_000

interface GcOptions {
  readonly dryRun?: true
  readonly grace: number
  readonly json?: true
}

/** Adds `comb gc`. */
export function addGcCommand(program: Command, { signal }: CommandContext): void {
  addHive(program.command('gc'), new Argument('<dir>', 'directory of the hive'))
    .description('Frees the space of removed and replaced entries, and of interrupted uploads.')
    .option('-n, --dry-run', 'change nothing, and print what would be removed')
    .addOption(
      new Option('--grace <seconds>', 'how long current readers can still read removed data')
        .default(3600)
        .argParser(parseGraceSeconds),
    )
    .option('--json', 'print a JSON object')
    .addHelpText('after', '\nExample:\n  comb gc ./data --dry-run')
    .action(withPlace((place, options: GcOptions) => collect(place, options, signal)))
}

async function collect(place: HivePlace, options: GcOptions, signal: AbortSignal): Promise<void> {
  const { dryRun = false, grace, json } = options
  if (isUrl(place)) throw new UsageError(`a server collects by itself; give a directory, not ${place}`)
  const { store, close } = await openLocal(place, { readOnly: dryRun, signal })
  let report: GarbageReport
  try {
    report = await store.collectGarbage({ dryRun, graceMs: Math.round(grace * 1000), signal })
  } finally {
    await close()
  }
  await writeOut(json ? `${JSON.stringify(toJson(report))}\n` : describeReport(report, dryRun))
  const [first] = report.problems
  // The first problem is reported as the failure of the command.
  for (const problem of report.problems.slice(1)) printLine(problem.message)
  if (first) throw first
}

function describeReport({ freed, waiting }: GarbageReport, dryRun: boolean): string {
  const went = `${count(freed.streams, 'stream')} and ${count(freed.objects, 'block')}, ${formatBytes(freed.bytes)}`
  const lines = [`${dryRun ? 'would free' : 'freed'} ${went}`]
  if (waiting.until) {
    const waits = `${count(waiting.objects, 'block')}, ${formatBytes(waiting.bytes)}`
    lines.push(`${dryRun ? 'would keep' : 'kept'} ${waits}, for readers until ${waiting.until.toISOString()}`)
  }
  return lines.map((line) => `${line}\n`).join('')
}

function toJson({ freed, waiting, problems }: GarbageReport): unknown {
  const { objects, bytes, until } = waiting
  return {
    freed,
    waiting: { objects, bytes, until: until?.toISOString() ?? null },
    problems: problems.map(({ message }) => message),
  }
}

function parseGraceSeconds(text: string): number {
  const seconds = /^\d{1,8}(\.\d{1,3})?$/.test(text) ? Number(text) : Infinity
  if (seconds > MOST_GRACE_S)
    throw new UsageError(`the grace period must be from 0 to ${MOST_GRACE_S} seconds, got ${text}`)
  return seconds
}
