import { Argument, Option } from 'commander'
import { checkAlias } from '../hive/alias.ts'
import { checkMediaType } from '../hive/media-type.ts'
import { UsageError } from './usage-error.ts'

/** The argument that names the hive. */
export function hiveArgument(): Argument {
  return new Argument('<hive>', 'directory, or http(s) URL, of the hive')
}

/** The argument that names the entry. */
export function aliasArgument(): Argument {
  return new Argument('<alias>', 'name of the entry').argParser((alias: string) => {
    usage(() => checkAlias(alias))
    return alias
  })
}

/** The option that says what the bytes of an entry are. */
export function typeOption(): Option {
  return new Option('--type <type>', 'media type (default: by the extension of the file, or of the alias)').argParser(
    (type: string) => usage(() => checkMediaType(type)),
  )
}

/** The option that lets a client in. It is better set in the environment: who lists processes sees command lines. */
export function tokenOption(description = 'secret that the server asks for'): Option {
  return new Option('--token <token>', description).env('COMB_TOKEN').argParser(checkToken)
}

/** What a header field can carry unchanged; the message does not show the secret. */
function checkToken(token: string): string {
  if (/[^\x21-\x7e]/.test(token)) throw new UsageError('a token has letters, digits and signs of ASCII, and no spaces')
  return token
}

/** The option that makes a change depend on the version that there is. */
export function ifMatchOption(): Option {
  return new Option('--if-match <etag>', 'only if the entry has this etag; *: only if it exists').argParser(parseEtag)
}

/** A shell eats the quotes of an etag, so they may be missing. */
function parseEtag(text: string): string {
  const etag = text === '*' || text.startsWith('"') ? text : `"${text}"`
  if (etag !== '*' && !/^"[\x21\x23-\x7e]+"$/.test(etag)) throw new UsageError(`it is no etag: ${text}`)
  return etag
}

/** Runs a check of the package on what stands on the command line. */
function usage<T>(check: () => T): T {
  try {
    return check()
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error })
  }
}
