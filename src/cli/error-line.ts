/** In words, what the system says in capitals. */
const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EADDRINUSE: 'the address is in use',
  EADDRNOTAVAIL: 'this machine has no such address',
  EBADF: 'it is not open for this',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was reset',
  EDQUOT: 'the disk quota is used up',
  EEXIST: 'there is such a file already',
  EFBIG: 'the file would be too large',
  EIO: 'input or output failed',
  EISDIR: 'it is a directory',
  ELOOP: 'too many links lead on from it',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'the name is too long',
  ENOENT: 'there is no such file or directory',
  ENOSPC: 'there is no space left on the disk',
  ENOTDIR: 'a part of the path is no directory',
  ENOTFOUND: 'there is no such host',
  EPERM: 'not permitted',
  ESPIPE: 'it cannot be read from anywhere but its beginning',
  EROFS: 'the file system is read-only',
  ETIMEDOUT: 'the connection timed out',
  UND_ERR_SOCKET: 'the connection broke off',
}

/** Errors that say all by themselves; what they come from is for a programmer. */
const COMPLETE = new Set([
  'AlreadyExistsError',
  'ConflictError',
  'FormatError',
  'IntegrityError',
  'NotFoundError',
  'RdiffError',
])

/** What went wrong, and why, as far as that says more. */
export function errorLine(error: unknown): string {
  const line = (describe(error) || String(error))
    // From another machine, the words of its system come as a text.
    .replace(/\b(E[A-Z]{2,}): [\w ]+(, \w+)?/g, (words, code: string) => wordsOf(code) ?? words)
    .replace(/^[A-Z](?=[a-z]* )/, (letter) => letter.toLowerCase())
  return / answered 401\b/.test(line) ? `${line}: it wants a token; set COMB_TOKEN, or give --token` : line
}

function describe(error: unknown): string {
  const { name, message } = (error ?? {}) as NodeJS.ErrnoException
  const system = systemWords(error)
  if (system !== undefined) return [system, ...subjectOf(error)].join(': ')
  // What fetch says of every failure; the cause says which.
  const own = message === 'fetch failed' || typeof message !== 'string' ? '' : message
  const cause = causeOf(error)
  if (cause === undefined || COMPLETE.has(name)) return own

  // Where the words of the system stand within ours, better ones take their place.
  const raw = (cause as Error).message
  if (raw && own.includes(raw)) return own.replace(raw, () => systemWords(cause) ?? raw)
  const why = describe(cause)
  return own && why && !own.includes(why) ? `${own}: ${why}` : own || why
}

/** The file, or the address to listen at, that the system had something against. */
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
  // Several addresses of a host were tried, and each failed.
  return cause instanceof AggregateError && cause.message === '' ? cause.errors[0] : cause
}
