/** The context that every subcommand gets. */
export interface CommandContext {
  /** Aborts when the user or the system asks the process to exit. */
  readonly signal: AbortSignal
}
