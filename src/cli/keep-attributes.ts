import type { Stats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'

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
export async function keepAttributes(handle: FileHandle, old: Stats): Promise<LostAttributes | undefined> {
  let cause: unknown
  const attempt = async (change: Promise<void>): Promise<void> => {
    try {
      await change
    } catch (error) {
      cause = error
    }
  }
  let now = await handle.stat()
  if (now.uid !== old.uid) await attempt(handle.chown(old.uid, old.gid))
  now = await handle.stat()
  if (now.gid !== old.gid) await attempt(handle.chown(now.uid, old.gid))
  now = await handle.stat()

  let mode = old.mode & MODE_BITS
  if (now.uid !== old.uid) mode &= ~0o4000
  // To the members of another group no more than to everybody.
  if (now.gid !== old.gid) mode &= ~0o2070 | ((mode & 0o7) << 3)
  if ((now.mode & MODE_BITS) !== mode) await attempt(handle.chmod(mode))
  now = await handle.stat()

  const names = []
  if (now.uid !== old.uid) names.push('owner')
  if (now.gid !== old.gid) names.push('group')
  if ((now.mode & MODE_BITS) !== (old.mode & MODE_BITS)) names.push('mode')
  return names.length === 0 ? undefined : { names, cause }
}
