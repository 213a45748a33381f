import cliProgress, { type Options, type Params } from 'cli-progress'
import { formatBytes } from './byte-size.ts'
import { printable } from './printable.ts'

/** A line on stderr that shows the progress of a transfer. */
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
      // The modes of the terminal are left alone, because a killed process could not restore them. A line that is too long
      // is therefore truncated; wrapping is not turned off.
      linewrap: true,
      clearOnComplete: true,
      // We handle signals: the line is removed once the sinks have cleaned up.
      gracefulExit: false,
    })
    this.#bar.start(size ?? 0, 0, { name: this.#name, known: size !== undefined })
  }

  /** Counts transferred bytes. */
  add(byteLength: number): void {
    this.#moved += byteLength
    this.#bar.update(this.#moved)
  }

  /** Removes the line, so that something else can be printed. */
  clear(): void {
    this.#bar.stop()
  }

  /** Replaces the bar with a line that summarizes the transfer. */
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
