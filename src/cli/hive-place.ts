import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Argument, type Command, Option } from 'commander'
import { MARKER_FILE } from '../backends/directory/marker-file.ts'
import { mayBeEngine } from './redact.ts'
import { UsageError } from './usage-error.ts'

const ROWS_MISSING = '--blocks needs --metadata, which says where the rows are'

/** A hive whose rows and blocks are in engines of their own. */
export interface EnginePlace {
  /** Where the rows are: a URL of PostgreSQL, or a directory. */
  readonly metadata: string
  /** Where the blocks are: a URL of an object store; undefined: with the rows. */
  readonly blocks: string | undefined
}

/** Where a hive is: in a directory, behind a URL, or in engines. */
export type HivePlace = string | EnginePlace

/** Adds what says where the hive is to a command: an argument, and the options that replace it. */
export function addHive(command: Command, argument: Argument): Command {
  const replaced = argument.required ? `<${argument.name()}>` : `[${argument.name()}]`
  let replacedBy: string | undefined
  const replace = (value: string, option: string): void => {
    if (replacedBy !== undefined || value === '') return
    replacedBy = option
    // What follows on the command line has already been told from options, but is not assigned to arguments yet.
    ;(command.registeredArguments as Argument[]).shift()
  }
  return command
    .addArgument(argument)
    .addOption(
      new Option('--metadata <url>', `PostgreSQL database of the hive, in place of ${replaced}`).env('COMB_METADATA'),
    )
    .addOption(
      new Option('--blocks <url>', 'object store for the blocks of --metadata: s3://BUCKET/PREFIX?endpoint=URL').env(
        'COMB_BLOCKS',
      ),
    )
    .on('option:metadata', (value: string) => replace(value, '--metadata'))
    .on('optionEnv:metadata', (value: string) => {
      replace(value, 'COMB_METADATA')
      const [next] = command.registeredArguments
      if (replacedBy === 'COMB_METADATA' && next) refuseHive(next, replaced)
    })
    .exitOverride((error) => {
      if (error.code === 'commander.excessArguments' && replacedBy !== undefined) {
        throw new UsageError(`too many arguments for '${command.name()}': ${replacedBy} takes the place of ${replaced}`)
      }
      const isBlocksAlone = replacedBy === undefined && command.opts<{ blocks?: string }>().blocks
      if (error.code === 'commander.missingArgument' && isBlocksAlone) throw new UsageError(ROWS_MISSING)
      throw error
    })
}

/** Has the argument that comes first now refused if it is a hive: somebody may not know of the variable, or not think of it. */
function refuseHive(argument: Argument, replaced: string): void {
  const { parseArg } = argument
  argument.argParser((value: string, previous: unknown) => {
    if (/^(https?|postgres|postgresql|s3):/i.test(value) || existsSync(join(value, MARKER_FILE))) {
      throw new UsageError(
        `COMB_METADATA takes the place of ${replaced}: leave ${replaced} out, or unset COMB_METADATA; for an entry of this name, use --metadata`,
      )
    }
    return parseArg ? parseArg(value, previous) : value
  })
}

/** Makes the action of a command from a function that gets the place of the hive first. */
export function withPlace(
  action: (place: HivePlace, ...rest: never[]) => Promise<void>,
): (...parameters: unknown[]) => Promise<void> {
  return (...parameters) => {
    const { metadata = '', blocks = '' } = parameters.at(-2) as { metadata?: string; blocks?: string }
    if (metadata !== '') {
      const place = { metadata, blocks: blocks === '' ? undefined : blocks }
      return action(place, ...(parameters as never[]))
    }
    if (blocks !== '') throw new UsageError(ROWS_MISSING)
    const [place, ...rest] = parameters
    checkPlace(place as string)
    return action(place as string, ...(rest as never[]))
  }
}

/** Refuses a place that may have a password in it, before any message shows it, or a directory is named like it. */
export function checkPlace(place: string): void {
  const scheme = schemeOf(place)
  if ((scheme === 'http' || scheme === 'https') && URL.canParse(place)) {
    const { username, password } = new URL(place)
    if (!username && !password) return
    throw new UsageError('a URL must not contain a user name or password: use a token')
  }
  if (!mayBeEngine(place)) return
  throw new UsageError(
    'a hive must be a directory or an http(s) URL; --metadata names a database, and --blocks an object store',
  )
}

/** Whether a hive is behind a URL of HTTP. */
export function isUrl(place: HivePlace): place is string {
  return typeof place === 'string' && /^https?:/i.test(place)
}

/** The scheme of a URL, in lower case; undefined for a path. */
export function schemeOf(place: string): string | undefined {
  return /^([a-z][a-z0-9+.-]*):\/\//i.exec(place)?.[1]?.toLowerCase()
}
