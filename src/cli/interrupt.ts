/** The process was asked to exit; every stream is aborted with this reason. */
export class InterruptedError extends Error {
  /** Always `'InterruptedError'`. */
  override readonly name = 'InterruptedError'
  /** The exit code that a shell uses for this signal: 128 plus its number. */
  readonly exitCode: number

  /** Creates the error for a signal. */
  constructor(signal: keyof typeof EXIT_CODES) {
    super(`interrupted by ${signal}`)
    this.exitCode = EXIT_CODES[signal]
  }
}

const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const

/** Signals of the process as an AbortSignal. */
export interface Interrupts {
  /** Aborts with an {@linkcode InterruptedError} on the first signal; a second one ends the process at once. */
  readonly signal: AbortSignal
  /** Stops listening. */
  stop(): void
}

/** Listens for the signals that ask a process to exit. */
export function listenForInterrupts(): Interrupts {
  const controller = new AbortController()
  const names = Object.keys(EXIT_CODES) as (keyof typeof EXIT_CODES)[]
  const stop = (): void => {
    for (const name of names) process.off(name, listener)
  }
  const listener = (name: keyof typeof EXIT_CODES): void => {
    // Without a listener, the next signal has its default effect.
    stop()
    controller.abort(new InterruptedError(name))
  }
  for (const name of names) process.on(name, listener)
  return { signal: controller.signal, stop }
}
