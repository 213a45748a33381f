import { checkAlias } from '../../hive/alias.ts'
import { NEW_ALIAS_HEADER } from '../protocol/entry-headers.ts'
import { StatusError } from './status-error.ts'

/**
 * What a URL can stand for: the hive itself (`/`), its changes (`/?watch`), an entry at its current version (`/ALIAS`),
 * one version of an entry, which never changes (`/ALIAS?v=ETAG`), or the signature or the manifest of a version
 * (`/ALIAS?signature`, `/ALIAS?manifest`; `&v=ETAG` is allowed here, too).
 */
export type Resource = 'hive' | 'entry' | 'version' | 'signature' | 'manifest' | 'watch'

/** What the URL of a request stands for. */
export interface Target {
  readonly resource: Resource
  /** Name of the entry; empty for the hive itself. */
  readonly alias: string
  /** What the aliases that the request is about begin with; empty unless it is about the hive itself. */
  readonly prefix: string
  /** Etag of the one version that the request is about; undefined if it is about the current one. */
  readonly version: string | undefined
}

/**
 * Reads what a URL stands for.
 *
 * @throws {StatusError} if the path is not below `base`, or is not that of an entry.
 */
export function readTarget(url: URL, base: string, maxAliasBytes: number): Target {
  const alias = aliasOf(url, base, maxAliasBytes)
  if (alias === '') {
    const resource = url.searchParams.has('watch') ? 'watch' : 'hive'
    return { resource, alias, prefix: url.searchParams.get('prefix') ?? '', version: undefined }
  }
  const version = url.searchParams.get('v') ?? undefined
  if (url.searchParams.has('signature')) return { resource: 'signature', alias, prefix: '', version }
  if (url.searchParams.has('manifest')) return { resource: 'manifest', alias, prefix: '', version }
  return { resource: version === undefined ? 'entry' : 'version', alias, prefix: '', version }
}

/**
 * Reads the alias that a request to rename an entry gives it (RFC 4918, section 10.3).
 *
 * @throws {StatusError} if there is no Destination, if it is not the URL of an entry of this hive, or if it is that of another
 *   one than the client means.
 */
export function readDestination({ headers, url }: Request, base: string, maxAliasBytes: number): string {
  const destination = headers.get('destination')
  if (destination === null) throw new StatusError(400, 'MOVE needs the header field Destination')
  if (!URL.canParse(destination, url)) throw new StatusError(400, 'Destination is not a URL')
  const target = new URL(destination, url)
  // The scheme may differ: this server need not know that a proxy before it terminates TLS.
  if (target.host !== new URL(url).host) throw new StatusError(502, 'the destination is on another server')
  const { resource, alias } = readTarget(target, base, maxAliasBytes)
  if (resource !== 'entry') throw new StatusError(400, 'Destination is not the URL of an entry')
  const meant = headers.get(NEW_ALIAS_HEADER)
  if (meant !== null && meant !== encodeURIComponent(alias)) {
    throw new StatusError(422, 'Destination has another name than was meant: does a proxy change only the path?')
  }
  return alias
}

/** The alias that a path stands for; empty for the hive itself. */
function aliasOf(url: URL, base: string, maxBytes: number): string {
  if (!url.pathname.startsWith(base)) throw new StatusError(404, 'there is no hive at this path')
  let alias: string
  try {
    alias = decodeURIComponent(url.pathname.slice(base.length))
  } catch (error) {
    throw new StatusError(400, new TypeError('the path is not percent-encoded UTF-8', { cause: error }))
  }
  if (alias === '') return alias
  if (alias.startsWith('-/')) throw new StatusError(404, 'there is no such resource')
  try {
    const { byteLength } = checkAlias(alias)
    if (byteLength > maxBytes) throw new TypeError(`an alias must be at most ${maxBytes} bytes of UTF-8 here`)
  } catch (error) {
    throw new StatusError(400, error as TypeError)
  }
  return alias
}
