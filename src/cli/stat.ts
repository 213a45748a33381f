import type { Command } from 'commander'
import type { EntryInfo } from '../hive/hive.ts'
import { entryToJson } from '../http/protocol/entry-json.ts'
import { formatBytes } from './byte-size.ts'
import { aliasArgument, hiveArgument, tokenOption } from './hive-arguments.ts'
import { addHive, withPlace } from './hive-place.ts'
import { withHive } from './open-hive.ts'
import { printable } from './printable.ts'
import type { CommandContext } from './command-context.ts'
import { writeOut } from './stdio.ts'

/** Adds `comb stat`. */
export function addStatCommand(program: Command, { signal }: CommandContext): void {
  addHive(program.command('stat'), hiveArgument())
    .description('Prints the properties of an entry.')
    .addArgument(aliasArgument())
    .option('--json', 'print a JSON object')
    .addOption(tokenOption())
    .addHelpText('after', '\nExample:\n  comb stat ./data bunny.mp4')
    .action(
      withPlace(async (place, alias: string, options: { json?: true; token?: string }) => {
        const info = await withHive(place, { token: options.token, readOnly: true, signal }, (hive) =>
          hive.stat(alias, { signal }),
        )
        await writeOut(options.json ? `${JSON.stringify(entryToJson(info))}\n` : describeEntry(info))
      }),
    )
}

function describeEntry({ alias, size, etag, type, modified }: EntryInfo): string {
  const people = process.stdout.isTTY ? ` (${formatBytes(size)})` : ''
  const digest = /^"[\w-]{43}"$/.test(etag) ? Buffer.from(etag.slice(1, -1), 'base64url').toString('hex') : undefined
  const fields = [
    ['alias', printable(alias)],
    ['size', `${size}${people}`],
    ['type', printable(type)],
    ['modified', modified.toISOString()],
    ['etag', etag],
    // In the form that sha256sum prints. Servers of other software may use other kinds of etags.
    ...(digest === undefined ? [] : [['sha256', digest]]),
  ]
  return fields.map(([name, value]) => `${name!.padEnd(9)} ${value}\n`).join('')
}
