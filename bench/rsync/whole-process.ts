import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, rm } from 'node:fs/promises'
import type { Competitor, Measurement } from './competitor.ts'
import { peakMemory } from './peak-memory.ts'

/** How often a process's peak memory is read, in milliseconds. It disappears with the process. */
const SAMPLE_MS = 2

/** More than the size of the files that the default pairs produce. */
const MEMORY_MIB = 320

/**
 * Runs a command in the background, prints its process id, then the times of the shell and of its children. bash reports
 * them in milliseconds.
 */
const TIMED = '"$@" & echo $!; wait $! || exit 1; times'

/** A command that is run as a process of its own each time, including its start and exit. */
export class WholeProcess implements Competitor {
  readonly #command: readonly string[]
  readonly #output: string | undefined

  /**
   * `output` is a file or directory that the command creates. It is removed after each run. Before each run, a file is
   * written to use that much memory, and removed again: the host of a virtual machine takes back unused memory, and
   * getting it again can take longer than the work.
   */
  constructor(command: readonly string[], output?: string) {
    this.#command = command
    this.#output = output
  }

  async run(): Promise<Measurement> {
    if (this.#output !== undefined) await useMemory(this.#output)
    const start = performance.now()
    const shell = spawn('bash', ['-c', TIMED, 'bash', ...this.#command], { stdio: ['ignore', 'pipe', 'inherit'] })
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
    if (code !== 0) throw new Error(`${this.#command.join(' ')} failed`)
    if (this.#output !== undefined) await rm(this.#output, { recursive: true })
    return { cpuMs: childrenMs(output), wallMs, peakBytes }
  }

  async close(): Promise<void> {}
}

async function useMemory(path: string): Promise<void> {
  const chunk = new Uint8Array(1024 * 1024)
  const file = await open(path, 'w')
  for (let i = 0; i < MEMORY_MIB; i++) await file.write(chunk)
  await file.close()
  await rm(path)
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
