/** A failure whose status is not the usual one of its error, or that is not an error of this package at all. */
export class StatusError extends Error {
  /** Always `'StatusError'`. */
  override readonly name = 'StatusError'
  /** Status code of the answer. */
  readonly status: number
  /** The error that the client gets, if it is an error of this package. */
  readonly error: Error | undefined
  /** Header fields that go with the status. */
  readonly headers: Readonly<Record<string, string>>

  /** Makes the failure from an error, or from a message that says what is wrong. */
  constructor(status: number, error: Error | string, headers: Readonly<Record<string, string>> = {}) {
    super(typeof error === 'string' ? error : error.message, { cause: error })
    this.status = status
    this.error = typeof error === 'string' ? undefined : error
    this.headers = headers
  }
}
