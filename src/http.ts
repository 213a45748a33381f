/**
 * Hives over HTTP: the handler that serves one, and the client that reaches it.
 *
 * @module
 */
export * from './errors.ts'
export { type Cors } from './http/server/cors.ts'
export {
  type Access,
  type AccessKind,
  type EntryAccess,
  type HiveAccess,
  type HiveHandlerLimits,
  type HiveHandlerOptions,
} from './http/server/handler-options.ts'
export { createHiveHandler } from './http/server/handler.ts'
export { HttpHive, type HttpHiveOptions } from './http/client/http-hive.ts'
export { openUrl, type OpenUrlOptions } from './http/client/open-url.ts'
export { type Action, type Operation, type Transfer } from './http/server/transfer.ts'
export { type ReadingOptions } from './http/client/reading-options.ts'
