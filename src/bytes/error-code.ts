/** Codes of failures that may be over when the call is repeated. */
const PASSING = new Set(['EAGAIN', 'EBUSY', 'EINTR', 'EMFILE', 'ENFILE', 'ENOMEM', 'ESTALE', 'ETIMEDOUT'])

/** The code of a system error, such as `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : undefined
}

/** Whether a system error may be over when the call is repeated. */
export function isPassing(error: unknown): boolean {
  return PASSING.has(codeOf(error) ?? '')
}
