import {
  closeSync,
  fsync,
  linkSync,
  openSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
} from 'node:fs'
import { basename, dirname, isAbsolute, join } from 'node:path'
import { promisify } from 'node:util'
import { errorLine } from './error-line.ts'
import { keepAttributes, type LostAttributes } from './keep-attributes.ts'
import { printLine } from './print-line.ts'
import { systemError } from './system-error.ts'

/** The number of links that Linux follows. */
const MAX_LINKS = 40

/** A hidden file in the folder of another file, whose name it takes once it is complete. */
export interface PartialFile {
  /** Its descriptor, to write to. */
  readonly fd: number
  /** Gives the file its name, once its bytes are on the disk. */
  keep(): Promise<void>
  /** Removes the file; nothing may be writing to it. */
  drop(): void
}

/**
 * Opens a partial file for a path, so that its name refers to the old content or the new, never to part of it. The file
 * keeps the owner, group and mode of `existing`, the file that it replaces; if the system does not allow this, a line on
 * stderr says so. Without `replace`, it does not replace a file that has been created meanwhile.
 */
export function openPartialFile(
  path: string,
  { existing, replace }: { readonly existing: Stats | undefined; readonly replace: boolean },
): PartialFile {
  // Errors name the file that the user knows.
  const named = <T>(act: () => T): T => {
    try {
      return act()
    } catch (error) {
      throw systemError((error as NodeJS.ErrnoException).code ?? 'EIO', path, error)
    }
  }
  // A link stays a link, and leads to the new file.
  const target = named(() => (existing ? realpathSync(path) : pathAtEndOfLinks(path)))
  const partial = join(dirname(target), `.comb-${randomName()}.part`)
  // While it is written, it must not be readable by more users than the file that it replaces.
  const fd = named(() => openSync(partial, 'wx', existing ? existing.mode & 0o777 : undefined))
  let isOpen = true
  const close = (): void => {
    if (isOpen) closeSync(fd)
    isOpen = false
  }
  return {
    fd,
    async keep() {
      const lost = existing && keepAttributes(fd, existing)
      await promisify(fsync)(fd)
      close()
      named(() => (replace ? renameSync(partial, target) : renameToNew(partial, target)))
      if (lost) reportLost(path, lost)
    },
    drop() {
      close()
      rmSync(partial, { force: true })
    },
  }
}

/** A name that nothing else uses. It may be guessable: `wx` does not open an existing file. */
function randomName(): string {
  return `${process.pid}-${Math.random().toString(36).slice(2)}`
}

function reportLost(path: string, { names, cause }: LostAttributes): void {
  const why = cause === undefined ? 'the file system does not support it' : errorLine(cause)
  printLine(`cannot keep the ${names.join(' and ')} of ${path}: ${why}`)
}

/** The error codes of file systems without hard links. */
const WITHOUT_LINKS = new Set<string | undefined>(['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK'])

/** Uses a hard link, since no portable call renames without replacing, and a link never replaces a file. */
function renameToNew(from: string, to: string): void {
  try {
    linkSync(from, to)
  } catch (error) {
    if (!WITHOUT_LINKS.has((error as NodeJS.ErrnoException).code)) throw error
    return renameSync(from, to)
  }
  rmSync(from)
}

/**
 * The path of a new file, which may be at the end of links whose target does not exist yet. Each step asks the system for
 * the folder, because `..` is relative to the folder that a link leads to.
 */
function pathAtEndOfLinks(path: string): string {
  let target = path
  for (let links = 0; links < MAX_LINKS; links++) {
    if (target.endsWith('/')) throw systemError('EISDIR', path)
    const folder = realpathSync(dirname(target))
    const next = linkTarget(target)
    if (next === undefined) return join(folder, basename(target))
    target = isAbsolute(next) ? next : `${folder}/${next}`
  }
  throw systemError('ELOOP', path)
}

/** The target of a link; undefined if the path is not a link. */
function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}
