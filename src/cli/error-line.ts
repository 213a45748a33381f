import { redact } from './redact.ts'

/** Descriptions of the error codes of the system. */
const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EADDRINUSE: 'the address is already in use',
  EADDRNOTAVAIL: 'this machine has no such address',
  EBADF: 'not open for this operation',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was reset',
  EDQUOT: 'the disk quota is used up',
  EEXIST: 'the file already exists',
  EFBIG: 'the file would be too large',
  EIO: 'input or output failed',
  EISDIR: 'it is a directory',
  ELOOP: 'too many levels of links',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'the name is too long',
  ENOENT: 'no such file or directory',
  ENOSPC: 'no space left on the disk',
  ENOTDIR: 'a part of the path is not a directory',
  ENOTFOUND: 'host not found',
  EPERM: 'not permitted',
  ESPIPE: 'it can be read only from its beginning',
  EROFS: 'the file system is read-only',
  ETIMEDOUT: 'the connection timed out',
  UND_ERR_SOCKET: 'the connection broke off',
}

/** Errors whose message is complete; their causes are of interest only to a programmer. */
const COMPLETE = new Set([
  'AlreadyExistsError',
  'ConflictError',
  'FormatError',
  'IntegrityError',
  'NotFoundError',
  'RdiffError',
  'UsageError',
])

/** One line that says what went wrong, and why, if the cause adds information. */
export function errorLine(error: unknown): string {
  const line = redact(describeError(error) || String(error))
    // An error from another machine contains its system's message as text.
    .replace(/\b(E[A-Z]{2,}): [\w ]+(, \w+)?/g, (words, code: string) => wordsOf(code) ?? words)
    .replace(/^[A-Z](?=[a-z]* )/, (letter) => letter.toLowerCase())
  return / answered 401\b/.test(line) ? `${line}: a token is required; set COMB_TOKEN or use --token` : line
}

function describeError(error: unknown): string {
  const { name, message } = (error ?? {}) as NodeJS.ErrnoException
  const system = systemWords(error)
  if (system !== undefined) return [system, ...subjectOf(error)].join(': ')
  // fetch reports every failure with this message; the cause says which one it was.
  const own = message === 'fetch failed' || typeof message !== 'string' ? '' : message
  const cause = causeOf(error)
  if (cause === undefined || COMPLETE.has(name)) return own

  // If our message contains the system's message, replace that part with a better description.
  const raw = (cause as Error).message
  if (raw && own.includes(raw)) return own.replace(raw, () => systemWords(cause) ?? raw)
  const why = describeError(cause)
  return own && why && !own.includes(why) ? `${own}: ${why}` : own || why
}

/** The file or the listening address that the system error is about. */
function subjectOf(error: unknown): string[] {
  const { path, syscall, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number }
  if (path !== undefined) return [path]
  return syscall === 'listen' && address !== undefined ? [`${address}:${port}`] : []
}

function systemWords(error: unknown): string | undefined {
  const { code } = error as NodeJS.ErrnoException
  return code === undefined ? undefined : wordsOf(code)
}

function wordsOf(code: string): string | undefined {
  return Object.hasOwn(SYSTEM_ERRORS, code) ? SYSTEM_ERRORS[code] : undefined
}

function causeOf(error: unknown): unknown {
  const { cause } = error as Error
  // All addresses of the host were tried, and each failed.
  return cause instanceof AggregateError && cause.message === '' ? cause.errors[0] : cause
}
