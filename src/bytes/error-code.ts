/** Codes of what may be over when the call is made again. */
const PASSING = new Set(['EAGAIN', 'EBUSY', 'EINTR', 'EMFILE', 'ENFILE', 'ENOMEM', 'ESTALE', 'ETIMEDOUT'])

/** The code of an error of the system, such as `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : undefined
}

/** Whether an error of the system may be over when the call is made again. */
export function isPassing(error: unknown): boolean {
  return PASSING.has(codeOf(error) ?? '')
}
