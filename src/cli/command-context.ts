/** What every subcommand is given. */
export interface CommandContext {
  /** Aborts when the user or the system asks the process to end. */
  readonly signal: AbortSignal
}
