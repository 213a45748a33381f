import type { FormatErrorReason } from '../errors.ts'
import { errorLine } from './error-line.ts'
import { InterruptedError } from './interrupt.ts'
import { BrokenPipeError } from './broken-pipe-error.ts'

/** Exit codes of rdiff, which are librsync's result codes. */
export const RDIFF_EXIT = {
  ioError: 100,
  syntaxError: 101,
  inputEnded: 103,
  badMagic: 104,
  unimplemented: 105,
  corrupt: 106,
  paramError: 108,
} as const

const FORMAT_EXIT: Readonly<Record<FormatErrorReason, number>> = {
  magic: RDIFF_EXIT.badMagic,
  truncated: RDIFF_EXIT.inputEnded,
  invalid: RDIFF_EXIT.corrupt,
  unsupported: RDIFF_EXIT.unimplemented,
  limit: RDIFF_EXIT.corrupt,
}

/** `comb rdiff` failed. */
export class RdiffError extends Error {
  /** Always `'RdiffError'`. */
  override readonly name = 'RdiffError'
  /** Exit code of the process, one of {@linkcode RDIFF_EXIT}. */
  readonly exitCode: number

  /** Creates the error from a message of one line. */
  constructor(message: string, exitCode: number, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}

/** Turns a failure into an error with the exit code of rdiff. Interruption by a signal and broken pipes are left as they are. */
export function rdiffError(error: unknown): unknown {
  if (error instanceof RdiffError || error instanceof InterruptedError || error instanceof BrokenPipeError) return error
  // Use the names that the user knows.
  const line = errorLine(error)
    .replace(/^strongLength\b/, '--sum-size')
    .replace(/^blockLength\b/, '--block-size')
  return new RdiffError(line, exitCodeOf(error), { cause: error })
}

function exitCodeOf(error: unknown): number {
  const { name, reason, cause } = error as { name?: string; reason?: FormatErrorReason; cause?: unknown }
  switch (name) {
    case 'FormatError':
      // A copy past the end of the basis, which rdiff reports as a basis that ends too early.
      return cause instanceof RangeError ? RDIFF_EXIT.inputEnded : FORMAT_EXIT[reason!]
    case 'IntegrityError':
      // The basis became shorter while it was read.
      return RDIFF_EXIT.inputEnded
    case 'RangeError':
      return RDIFF_EXIT.paramError
    default:
      return RDIFF_EXIT.ioError
  }
}
