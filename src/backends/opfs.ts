/**
 * A backend in the origin-private file system, with its rows in IndexedDB: a hive that lives in a browser. For pages,
 * workers and service workers of Chromium and Firefox.
 *
 * @module
 */
export { BackendError, type BackendErrorOptions } from '../errors.ts'
export { FormatError, type FormatErrorOptions, type FormatErrorReason } from '../errors.ts'
export { QuotaExceededError, type QuotaExceededErrorOptions } from '../errors.ts'
export { opfsBackend } from './opfs/opfs-backend.ts'
