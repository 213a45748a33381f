/**
 * Large byte streams in a hive of named entries: read them progressively, keep them de-duplicated in blocks, update
 * them by sending only what changed. Every component is a web stream.
 *
 * The engines are entry points of their own, `combstream/backends/…`, so that a page does not load a database.
 *
 * @module
 */
export { type ByteSource, bytesSource } from './bytes/byte-source.ts'
export * from './errors.ts'
export * from './hive.ts'
export * from './http.ts'
export * from './rsync.ts'
export * from './store.ts'
