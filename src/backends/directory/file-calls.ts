import { mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises'

/** A file or directory that is open. */
export interface OpenFile {
  read(bytes: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>
  write(bytes: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesWritten: number }>
  stat(): Promise<{ readonly size: number }>
  /** Makes the bytes of a file, or the names in a directory, durable. */
  sync(): Promise<void>
  close(): Promise<void>
}

/**
 * The calls of the file system that the backend makes in a hive's directory. SQLite makes its own. They mean what those
 * of `node:fs/promises` mean, and fail with the same errors.
 */
export interface FileCalls {
  /** Opens a file or directory for reading (`r`), or creates a file that must not exist (`wx`). */
  open(path: string, flags: 'r' | 'wx'): Promise<OpenFile>
  /** Resolves with the first directory that was made, if `recursive` is set. */
  mkdir(path: string, options?: { readonly recursive: true }): Promise<string | undefined>
  readdir(path: string): Promise<string[]>
  rename(from: string, to: string): Promise<void>
  stat(path: string): Promise<{ readonly size: number }>
  unlink(path: string): Promise<void>
}

/** The calls of the host. */
export const nodeFiles: FileCalls = {
  open: (path, flags) => open(path, flags),
  mkdir: (path, options) => mkdir(path, options),
  readdir: (path) => readdir(path),
  rename: (from, to) => rename(from, to),
  stat: (path) => stat(path),
  unlink: (path) => unlink(path),
}
