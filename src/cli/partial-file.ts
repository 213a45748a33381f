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

/** As many as Linux follows. */
const MAX_LINKS = 40

/** A hidden file beside the place of another one, whose name it takes when it is complete. */
export interface PartialFile {
  /** Its descriptor, to write to. */
  readonly fd: number
  /** Gives the file its name, once its bytes are on the disk. */
  keep(): Promise<void>
  /** Removes the file; nothing may be writing to it. */
  drop(): void
}

/**
 * Opens a partial file for a path: under that name there is the old content or the new one, never a part. Owner, group
 * and mode stay those of `existing`, the file that it replaces; a line on stderr says so where the system does not allow
 * it. Without `replace`, it does not take the place of a file that has come meanwhile.
 */
export function openPartialFile(
  path: string,
  { existing, replace }: { readonly existing: Stats | undefined; readonly replace: boolean },
): PartialFile {
  // The user knows the file by its own name.
  const named = <T>(act: () => T): T => {
    try {
      return act()
    } catch (error) {
      throw systemError((error as NodeJS.ErrnoException).code ?? 'EIO', path, error)
    }
  }
  // A link stays a link, to the new file.
  const target = named(() => (existing ? realpathSync(path) : targetOf(path)))
  const partial = join(dirname(target), `.comb-${randomName()}.part`)
  // Not readable by more people than the file that it replaces, while it is written either.
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
      if (lost) tell(path, lost)
    },
    drop() {
      close()
      rmSync(partial, { force: true })
    },
  }
}

/** Unlike any other that is used here; nobody else's file is taken for it, however well it is guessed. */
function randomName(): string {
  return `${process.pid}-${Math.random().toString(36).slice(2)}`
}

function tell(path: string, { names, cause }: LostAttributes): void {
  const why = cause === undefined ? 'the file system does not keep it' : errorLine(cause)
  printLine(`${path} has another ${names.join(' and ')} now: ${why}`)
}

/** What file systems that have no links say. */
const WITHOUT_LINKS = new Set<string | undefined>(['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK'])

/** Systems have no such call in common, but links, which never take the place of a file. */
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
 * Where a new file will be: also at the end of links whose target is not there yet. Each step asks the system for the
 * folder, since `..` leads up from where a link to a folder leads to.
 */
function targetOf(path: string): string {
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

/** What a link leads to; undefined if it is not one. */
function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}
