/** The reader of a pipe has gone; exit code 141, as of a process that SIGPIPE ends. */
export class BrokenPipeError extends Error {
  /** Always `'BrokenPipeError'`. */
  override readonly name = 'BrokenPipeError'
}
