import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { FormatError, NotFoundError } from '../../errors.ts'
import { codeOf, engineError } from './engine-error.ts'
import { syncDirectory } from './sync-directory.ts'

/** Says what the directory is. It is written first, so that a directory with anything else in it has it too. */
const MARKER_FILE = 'combstream-directory'
const MARKER_MAGIC = 'combstream directory '
const MARKER_VERSION = '1'

/** The rows. */
export const DATABASE_FILE = 'metadata.sqlite'
/** The objects. */
export const BLOCKS_DIRECTORY = 'blocks'

/** Names that an empty directory may have: a marker that was being written, and what a new file system has. */
const NOTHING = new RegExp(`^(${MARKER_FILE}\\.[0-9a-f]+~|lost\\+found)$`)

/** Makes sure that `path` is a directory of this format; an absent or empty one becomes it if `create` is set. */
export async function openDirectory(path: string, create: boolean): Promise<void> {
  try {
    for (;;) {
      const marker = await readMarker(path)
      if (marker !== undefined) return checkMarker(path, marker)
      const names = await namesIn(path)
      if (names?.includes(MARKER_FILE)) continue // another process made it just now
      const strange = names?.find((name) => !NOTHING.test(name))
      if (strange !== undefined) {
        throw new FormatError(`${path} is no hive: it has other things in it, such as ${strange}`, { reason: 'magic' })
      }
      if (!create) throw new NotFoundError(`there is no hive in ${path}`)
      await initialise(path)
    }
  } catch (error) {
    if (codeOf(error) === 'ENOTDIR') {
      throw new FormatError(`${path} is no hive: it is no directory`, { reason: 'magic', cause: error })
    }
    throw engineError(error, `cannot open ${path}`)
  }
}

/**
 * Makes sure that the database has not been lost: beside blocks, which only its rows name, a new one would make the hive
 * look empty.
 */
export async function assertDatabase(path: string): Promise<void> {
  try {
    if (await hasDatabase(path)) return
    const blocks = await readdir(join(path, BLOCKS_DIRECTORY), { recursive: true, withFileTypes: true })
    // Another process may have made both meanwhile.
    if (!blocks.some((entry) => entry.isFile()) || (await hasDatabase(path))) return
  } catch (error) {
    throw engineError(error, `cannot open ${path}`)
  }
  throw new FormatError(`${path} has blocks, but their database is lost: ${DATABASE_FILE}`, { reason: 'truncated' })
}

async function hasDatabase(path: string): Promise<boolean> {
  try {
    return (await stat(join(path, DATABASE_FILE))).size > 0
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}

async function readMarker(path: string): Promise<string | undefined> {
  try {
    return await readFile(join(path, MARKER_FILE), 'latin1')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function checkMarker(path: string, marker: string): void {
  if (marker === `${MARKER_MAGIC}${MARKER_VERSION}\n`) return
  if (marker.startsWith(MARKER_MAGIC)) {
    const version = JSON.stringify(marker.slice(MARKER_MAGIC.length).trim())
    throw new FormatError(`${path} is a hive of version ${version}, this package knows ${MARKER_VERSION}`, {
      reason: 'unsupported',
    })
  }
  throw new FormatError(`${path} is no hive: ${MARKER_FILE} says something else`, { reason: 'magic' })
}

async function namesIn(path: string): Promise<string[] | undefined> {
  try {
    return await readdir(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

async function initialise(path: string): Promise<void> {
  const made = await mkdir(path, { recursive: true })
  if (made !== undefined) await syncUpTo(resolve(made), resolve(path))
  const random = Math.random().toString(16).slice(2)
  const temporary = join(path, `${MARKER_FILE}.${random}~`)
  try {
    const handle = await open(temporary, 'wx')
    try {
      await handle.writeFile(`${MARKER_MAGIC}${MARKER_VERSION}\n`)
      await handle.sync()
    } finally {
      await handle.close()
    }
    // Several processes may do this at once: they all write the same.
    await rename(temporary, join(path, MARKER_FILE))
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncDirectory(path)
}

/** Makes the names of new directories durable, from the deepest to the parent of the first that was made. */
async function syncUpTo(first: string, last: string): Promise<void> {
  for (let path = last; path.length >= first.length; path = dirname(path)) await syncDirectory(dirname(path))
}
