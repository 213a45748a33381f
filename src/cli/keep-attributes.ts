import { fchmodSync, fchownSync, fstatSync, type Stats } from 'node:fs'

/** The permission bits of a mode, with set-user-id, set-group-id and sticky. */
const MODE_BITS = 0o7777

/** The attributes that the system did not let the new file take from the file that it replaces. */
export interface LostAttributes {
  /** Their names, such as `owner`. */
  readonly names: readonly string[]
  /** The last error of the system, if there was one. */
  readonly cause: unknown
}

/**
 * Gives a new file the owner, group and mode of the file that it replaces, as far as the system allows. If the owner or the
 * group differs, it does not get the permissions that were meant for the old one.
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
  // A different group gets no more permissions than everybody.
  if (now.gid !== old.gid) mode &= ~0o2070 | ((mode & 0o7) << 3)
  if ((now.mode & MODE_BITS) !== mode) attempt(() => fchmodSync(fd, mode))
  now = fstatSync(fd)

  const names = []
  if (now.uid !== old.uid) names.push('owner')
  if (now.gid !== old.gid) names.push('group')
  if ((now.mode & MODE_BITS) !== (old.mode & MODE_BITS)) names.push('mode')
  return names.length === 0 ? undefined : { names, cause }
}
