/**
 * A backend in a directory of the file system, for Node, Deno and Bun: SQLite for the rows, a file for each block.
 * Several processes may have one directory open.
 *
 * @module
 */
export * from '../errors.ts'
export { directoryBackend, type DirectoryBackendOptions } from './directory/directory-backend.ts'
