/**
 * Hives over HTTP: the handler that serves one, and the client that reaches it.
 *
 * @module
 */
export * from './errors.ts'
export { type Cors } from './http/cors.ts'
export { type Access, createHiveHandler, type HiveHandlerLimits, type HiveHandlerOptions } from './http/handler.ts'
export { HttpHive, type HttpHiveOptions } from './http/http-hive.ts'
export { type Operation, type Transfer } from './http/exchange.ts'
