import { fchmodSync, fchownSync, fstatSync, type Stats } from 'node:fs'

/** What a shell shows of a mode, and what it does not: set-user-id, set-group-id. */
const MODE_BITS = 0o7777

/** What of a file that is replaced the system does not let its replacement have. */
export interface LostAttributes {
  /** Which ones, such as `owner`. */
  readonly names: readonly string[]
  /** What the system said last, if it said something. */
  readonly cause: unknown
}

/**
 * Gives a new file the owner, group and mode of the one whose place it takes, as far as the system allows. What the mode
 * grants to the owner or the group it does not grant to another one.
 */
export function keepAttributes(fd: number, old: Stats): LostAttributes | undefined {
  let cause: unknown
  const attempt = (change: () => void): void => {
    try {
      change()
    } catch (error) {
      cause = error
    }
  }
  let now = fstatSync(fd)
  if (now.uid !== old.uid) attempt(() => fchownSync(fd, old.uid, old.gid))
  now = fstatSync(fd)
  if (now.gid !== old.gid) attempt(() => fchownSync(fd, now.uid, old.gid))
  now = fstatSync(fd)

  let mode = old.mode & MODE_BITS
  if (now.uid !== old.uid) mode &= ~0o4000
  // To the members of another group no more than to everybody.
  if (now.gid !== old.gid) mode &= ~0o2070 | ((mode & 0o7) << 3)
  if ((now.mode & MODE_BITS) !== mode) attempt(() => fchmodSync(fd, mode))
  now = fstatSync(fd)

  const names = []
  if (now.uid !== old.uid) names.push('owner')
  if (now.gid !== old.gid) names.push('group')
  if ((now.mode & MODE_BITS) !== (old.mode & MODE_BITS)) names.push('mode')
  return names.length === 0 ? undefined : { names, cause }
}
