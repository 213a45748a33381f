import { printable } from './printable.ts'

let listens = false

/** Prints one line to standard error, which is for everything that is not a result. */
export function printLine(line: string): void {
  writeError(`comb: ${printable(line)}\n`)
}

/** Writes to standard error. */
export function writeError(text: string): void {
  listenForErrors()
  process.stderr.write(text)
}

/** Ignores failures: a full log, or one whose reader has closed it, must not end the process. */
export function listenForErrors(): void {
  // Loading the stream takes some milliseconds, so it happens only if something is printed.
  if (!listens) process.stderr.on('error', () => undefined)
  listens = true
}
