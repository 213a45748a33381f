import { lastModified } from './http-date.ts'
import type { Representation } from './representation.ts'

/** Time of the commit in milliseconds; Last-Modified has only seconds. */
export const MODIFIED_HEADER = 'Hive-Modified'

/**
 * The header fields that describe a version, on every answer about it. `asOfMs` is a time, in milliseconds since 1970,
 * before the version was looked up: nothing is known of what has happened since. It is also the answer's Date, because
 * the server might set one that is a little too early.
 */
export function versionHeaders(
  { etag, modified }: Pick<Representation, 'etag' | 'modified'>,
  asOfMs: number,
): Record<string, string> {
  return {
    Date: new Date(asOfMs).toUTCString(),
    ETag: etag,
    ...(isKnown(modified) && {
      'Last-Modified': lastModified(modified, asOfMs),
      [MODIFIED_HEADER]: modified.toISOString(),
    }),
  }
}

/** Whether it is known when a version was made. Of a file whose server does not tell, the time is the beginning of 1970. */
export function isKnown(modified: Date): boolean {
  return modified.getTime() !== 0
}
