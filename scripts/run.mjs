import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of the checkout. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** The folder with the commands of the npm packages, including Node 24. */
const COMMANDS = join(ROOT, 'node_modules', '.bin')

/** An environment variable that identifies all descendants of a command, even if they have moved to another process group. */
const MARK = 'COMBSTREAM_RUN'

/** The signals by which a terminal or a supervisor asks a program to exit. */
export const END_SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])

/**
 * Runs a command to its end, or kills it with everything that it started.
 *
 * @param {string[]} command
 * @param {{ timeoutMs: number, show?: boolean, own?: boolean, environment?: Record<string, string>, cwd?: string }}
 *   options `show` passes the output on instead of collecting it; `own: false` hides the commands of the npm packages,
 *   for the command that replaces them; `cwd` is the folder of the checkout by default.
 * @returns {Promise<{ code: number | null, timedOut: boolean, output: string }>} `code` is null when it was killed or
 *   could not be started.
 */
export function run([file, ...args], { timeoutMs, show = false, own = true, environment = {}, cwd = ROOT }) {
  return new Promise((resolve) => {
    const mark = randomUUID()
    const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== COMMANDS)
    const path = (own ? [COMMANDS, ...folders] : folders).join(delimiter)
    const child = spawn(/** @type {string} */ (file), args, {
      cwd,
      env: { ...process.env, PATH: path, ...environment, [MARK]: mark },
      detached: true,
      stdio: ['ignore', show ? 'inherit' : 'pipe', show ? 'inherit' : 'pipe'],
    })
    let output = ''
    let timedOut = false
    const kill = () => killTree(child.pid, mark)
    const interrupted = () => {
      kill()
      setImmediate(() => process.exit(1)) // after concurrent commands have been killed as well
    }
    for (const signal of END_SIGNALS) process.on(signal, interrupted)
    const timer = setTimeout(() => {
      timedOut = true
      kill()
    }, timeoutMs)
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => (output += text))
    }
    const end = (/** @type {number | null} */ code) => {
      clearTimeout(timer)
      for (const signal of END_SIGNALS) process.removeListener(signal, interrupted)
      resolve({ code, timedOut, output })
    }
    child.once('error', (error) => {
      output += `${error.message}\n`
      end(null)
    })
    // A browser that outlives its runner would keep the pipes open, and 'close' would never be emitted.
    child.once('exit', kill)
    child.once('close', end)
  })
}

/**
 * @param {number | undefined} pid
 * @param {string} mark
 */
function killTree(pid, mark) {
  if (pid === undefined) return
  for (const target of [-pid, ...markedProcesses(mark)]) {
    try {
      process.kill(target, 'SIGKILL')
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ESRCH') throw error
    }
  }
}

/**
 * Finds the descendants of a command in /proc, because browsers are started in process groups of their own.
 *
 * @param {string} mark
 * @returns {number[]}
 */
function markedProcesses(mark) {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`${MARK}=${mark}`)
      } catch {
        return false // it has exited since, or belongs to another user
      }
    })
    .map(Number)
}
