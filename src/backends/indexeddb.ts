/**
 * A backend in IndexedDB: a hive that lives in a browser, for pages, workers and service workers. Several tabs may have
 * one database open.
 *
 * @module
 */
export { BackendError, type BackendErrorOptions } from '../errors.ts'
export { FormatError, type FormatErrorOptions, type FormatErrorReason } from '../errors.ts'
export { QuotaExceededError, type QuotaExceededErrorOptions } from '../errors.ts'
export { indexedDbBackend, type IndexedDbBackendOptions } from './indexeddb/indexeddb-backend.ts'
