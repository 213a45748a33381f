import { readFileSync } from 'node:fs'

/**
 * Returns the peak resident memory of a process, in bytes, or `undefined` if it has ended. Linux only. (The values from
 * getrusage and `time` include the process that it was forked from.)
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
