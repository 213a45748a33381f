import { spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A process that serves the entry `large`. */
export interface ServingProcess {
  /** Root URLs of the hive, with a trailing slash: directly, over a slow link, and over one that cuts connections. */
  readonly urls: { readonly near: string; readonly slow: string; readonly cut: string }
  /** Begins the schedule of cuts of this number, which is not 0, on the link that cuts connections. */
  beginCuts(schedule: number): Promise<void>
  /** Ends the process. */
  close(): Promise<void>
}

/** Starts a process that serves an entry of so many bytes from a hive in `directory`. */
export async function startServing(directory: string, byteLength: number): Promise<ServingProcess> {
  const program = fileURLToPath(new URL('serve.ts', import.meta.url))
  const child = spawn(process.execPath, [program, directory, String(byteLength)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exit = once(child, 'exit')
  const lines = createInterface(child.stdout)
  const started = await Promise.race([once(lines, 'line'), exit.then(() => undefined)])
  if (!started) throw new Error('the serving process ended before it served')
  return {
    urls: JSON.parse(started[0] as string) as ServingProcess['urls'],
    async beginCuts(schedule) {
      const begun = once(lines, 'line')
      child.stdin.write(`${schedule}\n`)
      await begun
    },
    async close() {
      child.stdin.end()
      await exit
    },
  }
}
