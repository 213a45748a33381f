import { describeValue } from '../bytes/describe-value.ts'
import { MAX_TYPE_BYTES } from './entry-record.ts'

const DEFAULT_TYPE = 'application/octet-stream'

/**
 * Checks the media type of an entry: a possible value of the header field Content-Type (RFC 9110, section 8.3).
 *
 * @throws {TypeError} if it is not one, or is longer than 255 characters.
 */
export function checkMediaType(type: string = DEFAULT_TYPE): string {
  if (
    typeof type !== 'string' ||
    type.length > MAX_TYPE_BYTES ||
    !/^[\w!#$&^.+-]+\/[\w!#$&^.+-]+[\x20-\x7e]*$/.test(type)
  ) {
    throw new TypeError(`type must be a media type of at most ${MAX_TYPE_BYTES} characters, got ${describeValue(type)}`)
  }
  return type
}
