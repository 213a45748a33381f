/**
 * The answer to `GET /?watch&prefix=PREFIX`: docs/http.md, "Watching". It is a stream of server-sent events (HTML standard,
 * section 9.2) that does not end by itself.
 *
 * ```text
 * event: (none)  data: { "alias": string, "etag"?: string }   an entry has changed; without etag, it was removed
 * event: missed  data: {}                                     changes may be missing before this place
 * id: POSITION                                                where to go on after a cut, for Last-Event-ID
 * ```
 *
 * @module
 */
import { FormatError } from '../../errors.ts'
import { checkAlias } from '../../hive/alias.ts'
import type { EntryChange } from '../../hive/hive-change.ts'
import { isStrongEtag } from '../../representation/header-values.ts'
import { isRecord } from './is-record.ts'

export const EVENT_STREAM_TYPE = 'text/event-stream'

/** Type of the event that says that changes may be missing. */
export const MISSED_EVENT = 'missed'

/**
 * Milliseconds without an event after which the server sends a comment. Bun ends a connection that is idle for 10 s, and
 * proxies do after 30 s or more.
 */
export const HEARTBEAT_MS = 8_000

/** The event for a change, without its id. */
export function formatChange({ alias, etag }: EntryChange): string {
  return `data: ${JSON.stringify({ alias, etag })}\n`
}

/**
 * Reads the data of an event.
 *
 * @throws {FormatError} if it is not a change of an entry with this prefix.
 */
export function parseChange(data: string, prefix: string, status: number): EntryChange {
  const { alias, etag } = parse(data)
  const isChange = typeof alias === 'string' && alias.startsWith(prefix) && (etag === undefined || isEtag(etag))
  if (!isChange) throw notAChange(status)
  try {
    // The server chose the name.
    checkAlias(alias)
  } catch (cause) {
    throw notAChange(status, cause)
  }
  return { alias, etag }
}

function notAChange(status: number, cause?: unknown): FormatError {
  const message = 'the server sent an event that is not a change: is this a hive?'
  return new FormatError(message, { reason: 'invalid', status, cause })
}

function isEtag(value: unknown): value is string {
  return typeof value === 'string' && isStrongEtag(value)
}

function parse(data: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(data)
    return isRecord(value) ? value : {}
  } catch {
    return {}
  }
}
