import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'

/** A small file system in memory, mounted for a test. */
export interface Mounted {
  /** Where it is mounted. */
  readonly path: string
  /** Mounts it again with other options, such as `ro`. */
  remount(options: string): void
  /** Unmounts it. Its contents are lost. */
  unmount(): void
}

/** Whether this process may mount file systems: on Linux as the superuser, outside of most containers. */
export const CAN_MOUNT: boolean = (() => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  const path = mkdtempSync(join(tmpdir(), 'combstream-mount-'))
  try {
    if (spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', path]).status !== 0) return false
    execFileSync('umount', [path])
    return true
  } finally {
    rmSync(path, { recursive: true })
  }
})()

/** Mounts a file system at a new directory below `parent`, with options of tmpfs, such as `size=100k`. */
export function mountSmall(parent: string, options: string): Mounted {
  const path = mkdtempSync(join(parent, 'mount-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', `mode=755,${options}`, 'tmpfs', path])
  return {
    path,
    remount: (changed) => void execFileSync('mount', ['-o', `remount,${changed}`, path]),
    unmount() {
      execFileSync('umount', ['-l', path])
      rmSync(path, { recursive: true, force: true })
    },
  }
}
