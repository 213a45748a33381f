/** The command line asks for something that makes no sense; exit code 2. */
export class UsageError extends Error {
  /** Always `'UsageError'`. */
  override readonly name = 'UsageError'
}
