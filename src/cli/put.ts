import { type Command, Option } from 'commander'
import { openInput } from './file-input.ts'
import {
  aliasArgument,
  compressOption,
  hiveArgument,
  ifMatchOption,
  tokenOption,
  typeOption,
} from './hive-arguments.ts'
import { addHive, isUrl, withPlace } from './hive-place.ts'
import { withHive } from './open-hive.ts'
import type { CommandContext } from './command-context.ts'
import type { CodecName } from '../store/codecs/block-codecs.ts'
import { pipeWithProgress } from './pipe-with-progress.ts'

interface PutOptions {
  readonly type?: string
  readonly ifMatch?: string
  readonly ifNoneMatch?: '*'
  readonly new?: true
  readonly compress?: CodecName
  readonly progress: boolean
  readonly token?: string
}

/** Adds `comb put`. */
export function addPutCommand(program: Command, { signal }: CommandContext): void {
  addHive(program.command('put'), hiveArgument())
    .description('Stores a file, or standard input, as an entry, and replaces the entry if it exists.')
    .addArgument(aliasArgument())
    .argument('<file>', 'file to store; -: standard input')
    .addOption(typeOption())
    .addOption(ifMatchOption())
    .addOption(new Option('--if-none-match <etag>', "only '*': only if there is no such entry yet").choices(['*']))
    .addOption(new Option('--new', 'same as --if-none-match "*"').conflicts('ifMatch'))
    .addOption(compressOption())
    .option('--no-progress', 'do not show a progress bar')
    .addOption(tokenOption())
    .addHelpText('after', '\nExample:\n  comb put ./data bunny.mp4 ~/videos/bunny.mp4')
    .action(
      withPlace(async (place, alias: string, file: string, options: PutOptions) => {
        const input = await openInput(file)
        const { token, compress } = options
        await withHive(place, { token, compress, create: true, signal }, async (hive) => {
          // The table of types is long.
          const { typedStream } = await import('./typed-stream.ts')
          const { type, stream } = await typedStream(input.stream, options.type, [file, alias], signal)
          const sink = hive.sink(alias, {
            type,
            ifMatch: options.ifMatch,
            ifNoneMatch: options.new ? '*' : options.ifNoneMatch,
            signal,
          })
          // On a terminal, typed input and the progress bar would overwrite each other.
          const bar = options.progress && !(file === '-' && process.stdin.isTTY)
          // A server's sink sends chunks on after their write, and only a regular file never waits.
          const reuse = input.isFile && !isUrl(place)
          await pipeWithProgress(stream, sink, { name: alias, size: input.size, bar, reuse, signal })
        })
      }),
    )
}
