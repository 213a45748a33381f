import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import type { Competitor, Measurement } from './competitor.ts'
import { peakMemory } from './peak-memory.ts'

/** How often rdiff's peak memory is read, in milliseconds. It disappears with the process. */
const SAMPLE_MS = 2

/**
 * Runs rdiff in the background, prints its process id, then the times of the shell and of its children. bash reports
 * them in milliseconds.
 */
const TIMED = 'rdiff "$@" & echo $!; wait $! || exit 1; times'

/** Runs rdiff with these arguments. */
export async function rdiff(...args: string[]): Promise<void> {
  await promisify(execFile)('rdiff', ['-f', ...args])
}

/**
 * Returns the first line of `rdiff --version`.
 *
 * @throws {Error} if rdiff is not installed.
 */
export async function rdiffVersion(): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('rdiff', ['--version'])
    return stdout.split('\n')[0]!
  } catch (error) {
    throw new Error("this bench needs rdiff: install Debian's package rdiff", { cause: error })
  }
}

/** rdiff with these arguments, including its start and exit. */
export class Rdiff implements Competitor {
  readonly #args: readonly string[]

  constructor(...args: string[]) {
    this.#args = ['-f', ...args]
  }

  async run(): Promise<Measurement> {
    const start = performance.now()
    const shell = spawn('bash', ['-c', TIMED, 'bash', ...this.#args], { stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    let peakBytes = 0
    shell.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
    const timer = setInterval(() => {
      const pid = parseInt(output)
      if (pid > 0) peakBytes = Math.max(peakBytes, peakMemory(pid) ?? 0)
    }, SAMPLE_MS)
    const [code] = (await once(shell, 'close')) as [number | null]
    clearInterval(timer)
    const wallMs = performance.now() - start
    if (code !== 0) throw new Error(`rdiff ${this.#args.join(' ')} failed`)
    return { cpuMs: childrenMs(output), wallMs, peakBytes }
  }

  async close(): Promise<void> {}
}

/** Parses the last line that `times` prints: user and system time of the children, each like 0m1.234s. */
function childrenMs(output: string): number {
  const times = [...output.matchAll(/(\d+)m(\d+)[.,](\d+)s/g)].slice(-2)
  if (times.length !== 2) throw new Error(`bash printed no times: ${output}`)
  return times.reduce(
    (sum, [, minutes, seconds, ms]) => sum + Number(minutes) * 60_000 + Number(seconds) * 1000 + Number(ms),
    0,
  )
}
