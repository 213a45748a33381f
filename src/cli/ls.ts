import type { Command } from 'commander'
import type { ListedEntry } from '../hive/hive.ts'
import { listedEntryToJson } from '../http/protocol/entry-json.ts'
import { formatBytes } from './byte-size.ts'
import { hiveArgument, tokenOption } from './hive-arguments.ts'
import { withHive } from './open-hive.ts'
import { addHive, withPlace } from './hive-place.ts'
import { printLine } from './print-line.ts'
import { printable } from './printable.ts'
import type { CommandContext } from './command-context.ts'
import { writeOut } from './stdio.ts'

interface LsOptions {
  readonly prefix?: string
  readonly long?: true
  readonly json?: true
  readonly token?: string
}

/** Number of entries that are formatted and printed together. */
const PAGE_ENTRIES = 1000

/** Adds `comb ls`. */
export function addLsCommand(program: Command, { signal }: CommandContext): void {
  addHive(program.command('ls'), hiveArgument())
    .description('Lists the entries of a hive, one per line, sorted by the bytes of their names.')
    .option('--prefix <text>', 'only entries whose names begin with this text')
    .option('-l, --long', 'also print size, time, media type and etag')
    .option('--json', 'print one JSON object per line')
    .addOption(tokenOption())
    .addHelpText('after', '\nExample:\n  comb ls ./data --long --prefix videos/')
    .action(
      withPlace((place, options: LsOptions) =>
        withHive(place, { token: options.token, readOnly: true, signal }, async (hive) => {
          let page: ListedEntry[] = []
          const print = async (): Promise<void> => {
            const lines = layOut(page, options)
            const damages = page.flatMap(({ damage }) => damage ?? [])
            page = []
            await writeOut(lines.map((line) => `${line}\n`).join(''))
            for (const damage of damages) printLine(damage)
          }
          for await (const entry of hive.entries({ prefix: options.prefix, signal })) {
            page.push(entry)
            if (page.length === PAGE_ENTRIES) await print()
          }
          if (page.length > 0) await print()
        }),
      ),
    )
}

function layOut(entries: readonly ListedEntry[], { long, json }: LsOptions): string[] {
  if (json) return entries.map((entry) => JSON.stringify(listedEntryToJson(entry)))
  if (!long) return entries.map(({ alias }) => printable(alias))

  const size = (bytes: number): string => (process.stdout.isTTY ? formatBytes(bytes) : String(bytes))
  const rows = entries.map(({ alias, damage, ...entry }) =>
    damage === undefined
      ? [size(entry.size), entry.modified.toISOString(), printable(entry.type), entry.etag, printable(alias)]
      : ['-', '-', 'damaged', '-', printable(alias)],
  )
  const width = (column: number): number => Math.max(...rows.map((row) => row[column]!.length))
  const widths = [0, 1, 2, 3].map(width)
  return rows.map((row) =>
    row.map((cell, column) => (column === 0 ? cell.padStart(widths[0]!) : cell.padEnd(widths[column] ?? 0))).join('  '),
  )
}
