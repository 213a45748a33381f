import { type Command, Option } from 'commander'
import type { ByteRange } from '../bytes/byte-range.ts'
import type { IntegrityError } from '../errors.ts'
import type { Entry } from '../hive/hive.ts'
import { parseRange } from '../representation/range-header.ts'
import { fileSink } from './file-sink.ts'
import { aliasArgument, hiveArgument, tokenOption } from './hive-arguments.ts'
import { addHive, type HivePlace, isUrl, withPlace } from './hive-place.ts'
import { withHive } from './open-hive.ts'
import type { CommandContext } from './command-context.ts'
import { pipeWithProgress } from './pipe-with-progress.ts'
import { stdoutSink } from './stdio.ts'
import { UsageError } from './usage-error.ts'

interface GetOptions {
  readonly range?: string
  readonly progress: boolean
  readonly token?: string
}

/** Adds `comb get`. */
export function addGetCommand(program: Command, { signal }: CommandContext): void {
  addHive(program.command('get'), hiveArgument())
    .description('Reads an entry into a file, or to standard output.')
    .addArgument(aliasArgument())
    .argument('[file]', 'file to write or replace; -: standard output', '-')
    .addOption(
      new Option(
        '--range <A-B>',
        'only bytes A to B, counted from 0, both included; A-: from A on; -N: the last N',
      ).argParser(checkRangeOption),
    )
    .option('--no-progress', 'do not show a progress bar')
    .addOption(tokenOption())
    .addHelpText('after', '\nExample:\n  comb get http://127.0.0.1:8080/ bunny.mp4 --range 0-999999 start.mp4')
    .action(
      withPlace(async (place, alias: string, file: string, options: GetOptions) => {
        await withHive(place, { token: options.token, readOnly: true, signal }, async (hive) => {
          const entry = await hive.open(alias, { signal })
          const { start, end } = resolveRange(entry, options.range)
          const sink = file === '-' ? stdoutSink(signal) : await fileSink(file, signal)
          const bar = options.progress && !(file === '-' && process.stdout.isTTY)
          const stream = entry.stream({ start, end, signal })
          try {
            const reuse = !isUrl(place)
            await pipeWithProgress(stream, sink, { name: alias, size: end - start, bar, reuse, signal })
          } catch (error) {
            if (isDamageAtRest(error)) await markDamage(place, alias, { start, end }, signal)
            throw error
          }
          await entry.close()
        })
      }),
    )
}

/** Whether bytes in the store are damaged; a connection that changes bytes names no stream. */
function isDamageAtRest(error: unknown): boolean {
  const { name, streamId } = (error ?? {}) as Partial<IntegrityError>
  return name === 'IntegrityError' && streamId !== undefined
}

/**
 * Has a damaged stream that no server keeps marked, so that putting its content again replaces the damaged blocks. Only a hive
 * that is open for writing is marked, by whoever reads the damage there.
 */
async function markDamage(place: HivePlace, alias: string, range: ByteRange, signal: AbortSignal): Promise<void> {
  if (isUrl(place)) return
  try {
    await withHive(place, { signal }, async (hive) => {
      const entry = await hive.open(alias, { signal })
      await entry.stream({ ...range, signal }).pipeTo(new WritableStream())
    })
  } catch {
    // It is damaged, as expected. Where the hive cannot be written, only `comb check --repair` can mark it later.
    return
  }
}

function checkRangeOption(text: string): string {
  if (parseRange(`bytes=${text}`, Number.MAX_SAFE_INTEGER) === undefined) {
    throw new UsageError(`a range must be A-B, A- or -N, got ${text}`)
  }
  return text
}

/** Resolves a range in the notation of HTTP (first and last byte) against the size of the entry. */
function resolveRange({ alias, size }: Entry, text: string | undefined): ByteRange {
  if (text === undefined) return { start: 0, end: size }
  const range = parseRange(`bytes=${text}`, size)
  if (typeof range === 'object') return range
  throw new RangeError(`the range ${text} is outside the entry, which has ${size} bytes: ${alias}`)
}
