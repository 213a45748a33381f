/**
 * A backend in a directory of the file system, for Node, Deno and Bun: SQLite for the rows, a file for each block. Several
 * processes may have one directory open.
 *
 * @module
 */
export type { ByteSource } from '../bytes/byte-source.ts'
export * from '../errors.ts'
export { directoryBackend, type DirectoryBackendOptions } from './directory/directory-backend.ts'
export { fileSource } from './directory/file-source.ts'
