import { Buffer } from 'node:buffer'
import { dirname, join, resolve } from 'node:path'
import { describeValue } from '../../bytes/describe-value.ts'
import { codeOf } from '../../bytes/error-code.ts'
import { FormatError, NotFoundError } from '../../errors.ts'
import { databaseError } from './engine-error.ts'
import type { FileCalls } from './file-calls.ts'
import { PROBE_PREFIX } from './has-no-space.ts'
import { MARKER_FILE } from './marker-file.ts'
import { namesIn } from './names-in.ts'
import { ROWS_FILE, type RowsFile } from './rows-file.ts'
import { sizeOf } from './size-of.ts'
import { createDatabase } from './sqlite-connection.ts'
import { syncDirectory } from './sync-directory.ts'
import { readWholeFile, removeFile, writeNewFile } from './whole-files.ts'

const MARKER_MAGIC = 'combstream directory '
const MARKER_VERSION = '1'
const MAX_MARKER_BYTES = 256

/** The rows. */
export const DATABASE_FILE = 'metadata.sqlite'
/** The objects. */
export const BLOCKS_DIRECTORY = 'blocks'

/** Names in a directory that is not a hive yet: left by a creation that was cut off, or found in a new file system. */
const UNFINISHED = new RegExp(
  `^(${MARKER_FILE}\\.[0-9a-f]+~|${PROBE_PREFIX}[0-9a-f]+~|${DATABASE_FILE}(-wal|-shm|-journal)?|${BLOCKS_DIRECTORY}|lost\\+found)$`,
)

/** Options of {@linkcode prepareDirectory}. */
export interface PrepareDirectoryOptions {
  /** Whether an absent or empty directory becomes a hive. */
  readonly create: boolean
  /** Milliseconds to wait for other processes that create the same hive. */
  readonly lockTimeoutMs: number
  /** Whether the blocks of a new hive are in another backend. */
  readonly elsewhere: boolean
}

/** Makes sure that `path` is a directory of this format that has its database; creates it if `create` is set. */
export async function prepareDirectory(
  files: FileCalls,
  path: string,
  options: PrepareDirectoryOptions,
): Promise<void> {
  try {
    while (!(await isMarked(files, path))) {
      const problem = await (options.create ? create(files, path, options) : whyNot(files, path))
      // Another process may just have created it, and may already use it.
      if (problem && !(await isMarked(files, path))) throw problem
    }
    if (await sizeOf(files, join(path, DATABASE_FILE))) return
  } catch (error) {
    if (codeOf(error) === 'ENOTDIR') {
      throw new FormatError(`${path} is not a hive: it is not a directory`, { reason: 'magic', cause: error })
    }
    throw await databaseError(error, `cannot open ${path}`, path, files)
  }
  throw new FormatError(`${path} has lost its database, ${DATABASE_FILE}`, { reason: 'truncated' })
}

/** The part of the metadata that {@linkcode assertRows} needs. */
export interface RowCounts {
  /** Whether there is any row besides those that hold the version of a store. */
  hasRows(): Promise<boolean>
  /** Number of commits that have been applied. */
  commits(): Promise<number>
}

/**
 * Makes sure that the rows have not been lost, which would make the hive look empty. The database must have the commit
 * that the file of the rows names.
 *
 * A row names each block from before it is written until after it is deleted. So if there are no rows while a block is
 * there all the time, rows have been lost, too.
 */
export async function assertRows(files: FileCalls, path: string, rows: RowCounts, rowsFile: RowsFile): Promise<void> {
  // In this order, because the file is written after the commit.
  const known = await rowsFile.read()
  const commits = known === 0 ? 0 : await rows.commits()
  if (commits < known) {
    throw rowsLost(`${path} has had ${known} commits, as ${ROWS_FILE} says, but its database has ${commits}`)
  }
  while (!(await rows.hasRows())) {
    const file = await anyObjectFile(files, join(path, BLOCKS_DIRECTORY))
    if (file === undefined || (await rows.hasRows())) return
    if ((await sizeOf(files, file)) === undefined) continue
    throw rowsLost(`${path} has blocks, but its database has lost the rows that name them`)
  }
}

function rowsLost(what: string): FormatError {
  return new FormatError(`${what}: it seems to have been copied without ${DATABASE_FILE}-wal`, { reason: 'truncated' })
}

async function isMarked(files: FileCalls, path: string): Promise<boolean> {
  let marker: string
  try {
    marker = Buffer.from(await readWholeFile(files, join(path, MARKER_FILE), { maxBytes: MAX_MARKER_BYTES })).toString(
      'latin1',
    )
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
  if (marker === `${MARKER_MAGIC}${MARKER_VERSION}\n`) return true
  if (marker.startsWith(MARKER_MAGIC)) {
    const version = describeValue(marker.slice(MARKER_MAGIC.length).trim())
    throw new FormatError(`${path} is a hive of version ${version}, this package knows ${MARKER_VERSION}`, {
      reason: 'unsupported',
    })
  }
  throw new FormatError(`${path} is not a hive: ${MARKER_FILE} says something else`, { reason: 'magic' })
}

/** Why a directory without a marker is not opened, and must not become a hive. */
async function whatIsThere(files: FileCalls, path: string): Promise<FormatError | undefined> {
  const names = await namesIn(files, path)
  // Only a hive that is complete gets this file.
  if (names.includes(ROWS_FILE)) return markerLost(path)
  const strange = names.find((name) => !UNFINISHED.test(name))
  if (strange !== undefined) {
    return new FormatError(`${path} is not a hive: it has other things in it, such as ${strange}`, { reason: 'magic' })
  }
  const database = join(path, DATABASE_FILE)
  // The log is checked first, since a process that creates a hive makes the log after the database.
  const isLost = (await sizeOf(files, `${database}-wal`)) && !(await sizeOf(files, database))
  if (isLost || (await anyObjectFile(files, join(path, BLOCKS_DIRECTORY))) !== undefined) return markerLost(path)
  return undefined
}

async function whyNot(files: FileCalls, path: string): Promise<Error> {
  return (await whatIsThere(files, path)) ?? new NotFoundError(`there is no hive in ${path}`)
}

function markerLost(path: string): FormatError {
  return new FormatError(`${path} is an incomplete copy of a hive: ${MARKER_FILE} is missing`, { reason: 'truncated' })
}

/** Makes a hive; several processes may do so at once. What stands in the way is given back, and left as it is. */
async function create(
  files: FileCalls,
  path: string,
  options: PrepareDirectoryOptions,
): Promise<FormatError | undefined> {
  const made = await files.mkdir(path, { recursive: true })
  if (made !== undefined) await syncUpTo(files, resolve(made), resolve(path))
  const problem = await whatIsThere(files, path)
  if (problem) return problem
  try {
    if (!(await createDatabase(join(path, DATABASE_FILE), options))) return markerLost(path)
  } catch (error) {
    if ((error as Error).name === 'FormatError') return error as FormatError
    throw error
  }
  await files.mkdir(join(path, BLOCKS_DIRECTORY), { recursive: true })
  await syncDirectory(files, path)
  await writeMarker(files, path)
  return undefined
}

async function writeMarker(files: FileCalls, path: string): Promise<void> {
  const random = Math.random().toString(16).slice(2)
  const temporary = join(path, `${MARKER_FILE}.${random}~`)
  try {
    await writeNewFile(files, temporary, Buffer.from(`${MARKER_MAGIC}${MARKER_VERSION}\n`, 'latin1'))
    // Several processes may do this at once: they all write the same bytes.
    await files.rename(temporary, join(path, MARKER_FILE))
  } catch (error) {
    await removeFile(files, temporary)
    throw error
  }
  await syncDirectory(files, path)
}

/** The path of the file of some object; undefined if there is none. */
async function anyObjectFile(files: FileCalls, blocks: string): Promise<string | undefined> {
  for (const stem of await namesIn(files, blocks)) {
    for (const fan of await namesIn(files, join(blocks, stem))) {
      // Desktops leave files whose names begin with a dot.
      const name = (await namesIn(files, join(blocks, stem, fan))).find((each) => !each.startsWith('.'))
      if (name !== undefined) return join(blocks, stem, fan, name)
    }
  }
  return undefined
}

/** Makes the names of new directories durable, from the deepest to the parent of the first that was made. */
async function syncUpTo(files: FileCalls, first: string, last: string): Promise<void> {
  for (let path = last; path.length >= first.length; path = dirname(path)) await syncDirectory(files, dirname(path))
}
