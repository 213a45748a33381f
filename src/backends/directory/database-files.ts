import { statSync } from 'node:fs'
import { codeOf } from '../../bytes/error-code.ts'

/** What SQLite adds to the name of a database for the files that hold what is not in it yet. */
export const LOG_SUFFIXES = ['-wal', '-journal'] as const

/** How the files of a database are at a moment. */
export interface DatabaseFiles {
  /** Equal for two moments if nothing has been written into the database or its logs in between. */
  readonly state: string
  /** Whether a log holds something that may not be in the database yet. */
  readonly hasLog: boolean
  /** When the last of them was changed, in milliseconds since 1970. */
  readonly changedMs: number
}

/** Looks at the files of a database, which must exist. */
export function lookAtDatabase(path: string): DatabaseFiles {
  const database = look(path)
  if (!database) throw Object.assign(new Error(`no such file: ${path}`), { code: 'ENOENT' })
  const logs = LOG_SUFFIXES.map((suffix) => look(path + suffix))
  return {
    state: [database, ...logs].map((file) => file?.state ?? '-').join(' '),
    hasLog: logs.some((file) => file !== undefined && file.size > 0n),
    changedMs: Math.max(...[database, ...logs].map((file) => file?.changedMs ?? 0)),
  }
}

interface FileLook {
  readonly state: string
  readonly size: bigint
  readonly changedMs: number
}

function look(path: string): FileLook | undefined {
  try {
    // Without the ctime: when the superuser opens a log, SQLite gives its files to the owner of the database.
    const { dev, ino, size, mtimeNs } = statSync(path, { bigint: true })
    return { state: [dev, ino, size, mtimeNs].join(':'), size, changedMs: Number(mtimeNs / 1_000_000n) }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}
