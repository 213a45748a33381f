import { spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A process that serves the entry `large`. */
export interface ServingProcess {
  /** Root URLs of the hive, with a trailing slash: directly, over a slow link, and over one that cuts connections. */
  readonly urls: { readonly near: string; readonly slow: string; readonly cut: string }
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
  const line = once(createInterface(child.stdout), 'line')
  const started = await Promise.race([line, exit.then(() => undefined)])
  if (!started) throw new Error('the serving process ended before it served')
  return {
    urls: JSON.parse(started[0] as string) as ServingProcess['urls'],
    async close() {
      child.stdin.end()
      await exit
    },
  }
}
