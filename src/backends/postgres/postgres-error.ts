import { codeOf, isPassing } from '../../bytes/error-code.ts'
import { BackendError, FormatError, QuotaExceededError } from '../../errors.ts'

/** There is no room: disk_full (PostgreSQL, appendix A: error codes). */
const FULL = '53100'
/** A lock was not free within `lock_timeout`. */
export const LOCK_NOT_AVAILABLE = '55P03'
/** The schema was not made by this package; raised by its own installation. */
export const FOREIGN_SCHEMA = 'CS001'

/** Errors after which the server has changed nothing, and may succeed the next time. */
const REFUSED_FOR_NOW = new Set([
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '53200', // out_of_memory
  '53300', // too_many_connections
  LOCK_NOT_AVAILABLE,
  '57014', // query_canceled
  '57P03', // cannot_connect_now
  '08001', // sqlclient_unable_to_establish_sqlconnection
  '08004', // sqlserver_rejected_establishment_of_sqlconnection
])

/** Errors of the driver and of the system from before anything was sent. */
const NOT_CONNECTED = new Set([
  'CONNECT_TIMEOUT',
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
])

/** Errors of a connection or a server that ended while it worked. */
const CUT_OFF = new Set([
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P05', // idle_session_timeout
  'CONNECTION_CLOSED',
  'CONNECTION_DESTROYED',
  'ECONNABORTED',
  'ECONNRESET',
  'EPIPE',
])

const SQLSTATE = /^[0-9A-Z]{5}$/
const OURS = new Set(['BackendError', 'FormatError', 'QuotaExceededError', 'TypeError', 'RangeError'])

/**
 * Turns an error of the driver into one of this package. Errors of this package pass unchanged.
 *
 * @param changes Whether the call changes something: then the outcome is unknown if the server may have done it.
 */
export function postgresError(error: unknown, what: string, changes: boolean): unknown {
  const code = codeOf(error)
  const { name, message } = (error ?? {}) as { name?: unknown; message?: unknown }
  if (code === undefined && OURS.has(String(name))) return error
  const text = `${what}: ${typeof message === 'string' && message !== '' ? message : (code ?? String(error))}`
  if (code === FULL) return new QuotaExceededError(text, { cause: error })
  if (code === FOREIGN_SCHEMA) return new FormatError(String(message), { reason: 'magic', cause: error })
  if (code !== undefined && (REFUSED_FOR_NOW.has(code) || NOT_CONNECTED.has(code))) {
    return new BackendError(text, { retryable: true, cause: error })
  }
  const cutOff = isCutOff(error) || (code !== undefined && isPassing(error))
  // The server has undone what it refuses.
  const refused = code === 'CONNECTION_ENDED' || (code !== undefined && SQLSTATE.test(code) && !cutOff)
  const outcome = changes && !refused ? 'unknown' : undefined
  return new BackendError(text, { retryable: cutOff, outcome, cause: error })
}

/** Whether an error says that a connection, or the server, ended while it worked. */
export function isCutOff(error: unknown): boolean {
  const code = codeOf(error)
  return code !== undefined && (CUT_OFF.has(code) || code.startsWith('08'))
}

/** Whether an error says that no server could be reached. */
export function isNotConnected(error: unknown): boolean {
  return NOT_CONNECTED.has(codeOf(error) ?? '')
}

/** Whether an error says that a table, or its schema, does not exist. */
export function isMissingTable(error: unknown): boolean {
  const code = codeOf(error)
  return code === '42P01' || code === '3F000'
}

/** Whether an error says that a table has no such column. */
export function isMissingColumn(error: unknown): boolean {
  return codeOf(error) === '42703'
}
