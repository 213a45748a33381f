import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Contest, timed } from '../contest.ts'
import { type ReadingRow, readEntry } from './reading-whole.ts'

const run = promisify(execFile)

/** Whether Debian's package `aria2` is installed. */
export async function hasAria2c(): Promise<boolean> {
  return run('aria2c', ['--version']).then(
    () => true,
    () => false,
  )
}

/**
 * Reading a whole entry beside aria2c with as many connections, which writes a file in `directory`. Its CPU time is not
 * measured.
 */
export function aria2cContest({ where, url, byteLength, target }: ReadingRow, directory: string): Contest {
  const options = ['--quiet', '--allow-overwrite=true', '--max-connection-per-server=4', '--split=4', '--retry-wait=0']
  return {
    what: `read ${byteLength / 2 ** 20} MiB ${where}`,
    peerName: 'aria2c, 4 connections',
    amount: byteLength / 1e6,
    unit: 'MB',
    target,
    ours: () => timed(() => readEntry(url, byteLength)),
    async peer() {
      const file = join('aria2c', `${process.hrtime.bigint()}`)
      const { wallMs } = await timed(() =>
        run('aria2c', [...options, '--max-tries=0', `--dir=${directory}`, `--out=${file}`, `${url}large`]),
      )
      return { wallMs, cpuMs: NaN }
    },
  }
}
