import { printable } from './printable.ts'

/** Says something in one line on standard error, which is for everything that is not a result. */
export function printLine(line: string): void {
  process.stderr.write(`comb: ${printable(line)}\n`)
}
