/** The process was asked to end: the reason that every stream is aborted with. */
export class InterruptedError extends Error {
  /** Always `'InterruptedError'`. */
  override readonly name = 'InterruptedError'
  /** What a shell calls the end by this signal: 128 and its number. */
  readonly exitCode: number

  /** Makes the error for a signal. */
  constructor(signal: keyof typeof EXIT_CODES) {
    super(`interrupted by ${signal}`)
    this.exitCode = EXIT_CODES[signal]
  }
}

const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const

/** A signal of the process, as an AbortSignal. */
export interface Interrupts {
  /** Aborts with an {@linkcode InterruptedError} at the first signal; a second one ends the process at once. */
  readonly signal: AbortSignal
  /** Listens no longer. */
  stop(): void
}

/** Listens for the signals that ask a process to end. */
export function listenForInterrupts(): Interrupts {
  const controller = new AbortController()
  const names = Object.keys(EXIT_CODES) as (keyof typeof EXIT_CODES)[]
  const stop = (): void => {
    for (const name of names) process.off(name, listener)
  }
  const listener = (name: keyof typeof EXIT_CODES): void => {
    // Without listeners the next signal does what the system does by default.
    stop()
    controller.abort(new InterruptedError(name))
  }
  for (const name of names) process.on(name, listener)
  return { signal: controller.signal, stop }
}
