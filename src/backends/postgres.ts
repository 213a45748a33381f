/**
 * A backend in PostgreSQL, for servers: any number of processes, on any number of machines, may have one hive open. The
 * blocks are in the same database, or in another backend such as an object store.
 *
 * It uses the driver `postgres` (3.4), which you install yourself.
 *
 * @module
 */
export { BackendError, type BackendErrorOptions } from '../errors.ts'
export { FormatError, type FormatErrorOptions, type FormatErrorReason } from '../errors.ts'
export { NotFoundError, type NotFoundErrorOptions } from '../errors.ts'
export { QuotaExceededError, type QuotaExceededErrorOptions } from '../errors.ts'
export { postgresBackend, type PostgresBackendOptions } from './postgres/postgres-backend.ts'
export type {
  PostgresClient,
  PostgresListening,
  PostgresQuery,
  PostgresStatements,
  RawField,
  RawResult,
  RawRow,
} from './postgres/client.ts'
