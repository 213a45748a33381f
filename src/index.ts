/**
 * Large byte streams in a hive of named entries: progressive reading, de-duplicated blocks, rsync deltas; all as web
 * streams.
 *
 * @module
 */
export * from './errors.ts'
export { type ByteSource, bytesSource } from './bytes/byte-source.ts'
