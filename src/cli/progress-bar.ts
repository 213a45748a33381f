import cliProgress, { type Options, type Params } from 'cli-progress'
import { formatBytes } from './byte-size.ts'
import { printable } from './printable.ts'

/** A line on stderr that shows how far a transfer has come. */
export class ProgressBar {
  readonly #name: string
  readonly #bar: cliProgress.SingleBar
  readonly #startMs = Date.now()
  #moved = 0

  /** Shows the line; `size` is the number of bytes, if it is known. */
  constructor(name: string, size: number | undefined) {
    this.#name = printable(name)
    this.#bar = new cliProgress.SingleBar({
      format: formatLine,
      stream: process.stderr,
      barsize: 24,
      // Nothing of the terminal is switched that a process which is killed could not switch back: a line that is too
      // long is cut, not left to a terminal that does not wrap.
      linewrap: true,
      clearOnComplete: true,
      // Signals are ours: the line goes when the sinks have cleaned up.
      gracefulExit: false,
    })
    this.#bar.start(size ?? 0, 0, { name: this.#name, known: size !== undefined })
  }

  /** Counts bytes that have been moved. */
  add(byteLength: number): void {
    this.#moved += byteLength
    this.#bar.update(this.#moved)
  }

  /** Takes the line away: something else is said. */
  clear(): void {
    this.#bar.stop()
  }

  /** Leaves a line that says what was done. */
  finish(): void {
    this.#bar.stop()
    const seconds = (Date.now() - this.#startMs) / 1000
    const rate = formatRate(this.#moved, seconds)
    process.stderr.write(`${this.#name}  ${formatBytes(this.#moved)} in ${seconds.toFixed(1)} s, ${rate}\n`)
  }
}

function formatLine(options: Options, params: Params, { name, known }: { name: string; known: boolean }): string {
  const { value, total, progress, startTime } = params
  const seconds = (Date.now() - startTime) / 1000
  const rate = formatRate(value, seconds)
  if (!known) return `${name}  ${formatBytes(value)}  ${rate}`
  const bar = cliProgress.Format.BarFormat(progress, options)
  const percent = `${Math.floor(progress * 100)} %`.padStart(5)
  const parts = [name, bar, percent, `${formatBytes(value)} of ${formatBytes(total)}`, rate]
  if (value > 0)
    parts.push(`${cliProgress.Format.TimeFormat(Math.ceil((total / value - 1) * seconds), options, 1)} left`)
  return parts.join('  ')
}

function formatRate(bytes: number, seconds: number): string {
  return `${formatBytes(seconds > 0 ? bytes / seconds : 0)}/s`
}
