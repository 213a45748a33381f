import { Argument, Option } from 'commander'
import { checkAlias } from '../hive/alias.ts'
import { checkMediaType } from '../hive/media-type.ts'
import type { CodecName } from '../store/codecs/block-codecs.ts'
import { UsageError } from './usage-error.ts'

/** Listed here, because importing the codecs would take time. */
const CODECS: readonly CodecName[] = ['none', 'lz4', 'deflate']

/** The argument that names the hive. */
export function hiveArgument(): Argument {
  return new Argument('<hive>', 'directory or http(s) URL of the hive')
}

/** The argument that names the entry. */
export function aliasArgument(): Argument {
  return new Argument('<alias>', 'name of the entry').argParser((alias: string) => {
    usage(() => checkAlias(alias))
    return alias
  })
}

/** The option for the media type of an entry. */
export function typeOption(): Option {
  return new Option('--type <type>', 'media type (default: from the extension of the file or of the alias)').argParser(
    (type: string) => usage(() => checkMediaType(type)),
  )
}

/** The option for the token. It is safer in the environment, because a list of processes shows command lines. */
export function tokenOption(description = 'token that the server requires'): Option {
  return new Option('--token <token>', description).env('COMB_TOKEN').argParser(checkToken)
}

/** Accepts what a header field can carry unchanged. The message does not show the secret. */
export function checkToken(token: string): string {
  if (/[^\x21-\x7e]/.test(token))
    throw new UsageError('a token must consist of printable ASCII characters without spaces')
  return token
}

/** The option that makes a change depend on the current version. */
export function ifMatchOption(): Option {
  return new Option('--if-match <etag>', 'only if the entry has this etag; *: only if it exists').argParser(parseEtag)
}

/** The quotes of an etag are optional, because a shell removes them. */
function parseEtag(text: string): string {
  const etag = text === '*' || text.startsWith('"') ? text : `"${text}"`
  if (etag !== '*' && !/^"[\x21\x23-\x7e]+"$/.test(etag)) throw new UsageError(`not an etag: ${text}`)
  return etag
}

/** The option for the compression of what is stored. */
export function compressOption(): Option {
  return new Option('--compress <codec>', 'compress blocks where that pays: lz4 is fast, deflate saves more').choices(
    CODECS,
  )
}

/** Applies a check of the package to a value from the command line. */
function usage<T>(check: () => T): T {
  try {
    return check()
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error })
  }
}
