import type { Command } from 'commander'
import { aliasArgument, hiveArgument, ifMatchOption, tokenOption } from './hive-arguments.ts'
import { addHive, withPlace } from './hive-place.ts'
import { withHive } from './open-hive.ts'
import type { CommandContext } from './command-context.ts'

/** Adds `comb rm`. */
export function addRmCommand(program: Command, { signal }: CommandContext): void {
  addHive(program.command('rm'), hiveArgument())
    .description('Removes an entry.')
    .addArgument(aliasArgument())
    .addOption(ifMatchOption())
    .addOption(tokenOption())
    .addHelpText('after', '\nExample:\n  comb rm ./data bunny.mp4')
    .action(
      withPlace((place, alias: string, { ifMatch, token }: { ifMatch?: string; token?: string }) =>
        withHive(place, { token, signal }, (hive) => hive.remove(alias, { ifMatch, signal })),
      ),
    )
}
