import { formatBytes } from './format.js'
import { IS_LOCAL } from './place.js'

/** @import { Failure } from './types.ts' */

/**
 * A message for people that says what failed (the network, the hive, the format or the file), and why.
 *
 * @param {unknown} failure
 */
export function failureWords(failure) {
  const error = /** @type {Failure} */ (failure)
  switch (error.name) {
    case 'FileError':
      return `The file cannot be read: ${error.message}`
    case 'BackendError':
      return isUnreachable(error) && !IS_LOCAL
        ? `The network failed: ${error.message}.`
        : `The hive failed: ${error.message}.`
    case 'IntegrityError':
      return `The hive is damaged: ${error.message}.`
    case 'QuotaExceededError':
      return error.limit === undefined
        ? `The hive has no room left: ${error.message}.`
        : `The file is too large: at most ${formatBytes(error.limit)} can be sent from a page.`
    case 'AccessError':
      return `The hive does not allow it: ${error.message}.`
    case 'AlreadyExistsError':
      return 'The hive already has an entry with this name.'
    case 'ConflictError':
      return `Somebody else changed the entry at the same time: ${error.message}.`
    case 'NotFoundError':
      return `The hive no longer has the entry: ${error.message}.`
    case 'FormatError':
      return `The data is not in the expected format: ${error.message}.`
    default:
      return error.message
  }
}

/**
 * Whether there was no answer at all, as opposed to an answer that reports a failure.
 *
 * @param {Failure} error
 */
function isUnreachable({ status }) {
  return status === undefined
}
