import { readFileSync } from 'node:fs'

/**
 * The most memory that a process has had resident, in bytes; `undefined` if it has ended. Linux only. (What getrusage
 * and `time` tell includes what the process was forked from.)
 */
export function peakMemory(pid: number | 'self'): number | undefined {
  try {
    const kibibytes = /^VmHWM:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1024
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return undefined
    throw error
  }
}
