import { printable } from './printable.ts'

let listens = false

/** Says something in one line on standard error, which is for everything that is not a result. */
export function printLine(line: string): void {
  writeError(`comb: ${printable(line)}\n`)
}

/** Writes to standard error. */
export function writeError(text: string): void {
  listenForErrors()
  process.stderr.write(text)
}

/** What nobody hears must end nothing: a log that has become full, or its reader, who has gone. */
export function listenForErrors(): void {
  // Loading the stream takes some milliseconds: not where nothing is said.
  if (!listens) process.stderr.on('error', () => undefined)
  listens = true
}
