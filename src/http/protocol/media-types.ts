/**
 * Media types of the protocol: docs/http.md.
 *
 * @module
 */

/** Media type of a delta. None is registered for librsync's format, so this is the protocol's own. */
export const DELTA_TYPE = 'application/vnd.rdiff-delta'
/** Media type of a signature. */
export const SIGNATURE_TYPE = 'application/vnd.rdiff-signature'
/** Media type of an error (RFC 9457). */
export const PROBLEM_TYPE = 'application/problem+json'
/** Media type of an entry that was stored without one. */
export const UNKNOWN_TYPE = 'application/octet-stream'
