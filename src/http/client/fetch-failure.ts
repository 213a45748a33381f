/**
 * What a failure of `fetch` means. By the Fetch standard each is a TypeError that says no more, and browsers keep to
 * that. Node says what happened in the cause, Deno and Bun in the message or the code.
 *
 * @module
 */

/** Whether there was a redirect that the request was not to follow. */
export function isRefusedRedirect(failure: unknown): boolean {
  return /redirect/i.test(wordsOf(failure))
}

/**
 * Whether the same request would fail again, say because the server's certificate is not trusted, or redirects never
 * end.
 */
export function isPermanent(failure: unknown): boolean {
  return /certificate|CERT_|SELF_SIGNED|redirect|bad port/i.test(wordsOf(failure))
}

/** Message and code of the failure and of its cause. */
function wordsOf(failure: unknown): string {
  const { cause, ...error } = factsOf(failure)
  const { message, code } = factsOf(cause)
  return [error.message, error.code, message, code].filter((word) => typeof word === 'string').join(' ')
}

function factsOf(error: unknown): { message?: unknown; code?: unknown; cause?: unknown } {
  const { message, code, cause } = (error ?? {}) as { message?: unknown; code?: unknown; cause?: unknown }
  return { message, code, cause }
}
