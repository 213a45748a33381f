/** The reader of a pipe has closed it; exit code 141, like that of a process ended by SIGPIPE. */
export class BrokenPipeError extends Error {
  /** Always `'BrokenPipeError'`. */
  override readonly name = 'BrokenPipeError'
}
