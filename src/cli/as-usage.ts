import { redact } from './redact.ts'
import { UsageError } from './usage-error.ts'

/** Turns the error for an invalid or missing option of a backend into one about the command line. */
export function asUsage<T>(call: () => T): T {
  const fail = (error: unknown): never => {
    const { name, message } = error as Error
    if (name === 'FormatError' && message.includes('`blocks`')) {
      const words = message.replace('pass it as `blocks`', 'name it with --blocks').replace('`blocks`', '--blocks')
      throw new UsageError(words, { cause: error })
    }
    if (error instanceof TypeError) throw new UsageError(redact(error.message), { cause: error })
    throw error
  }
  try {
    const result = call()
    return result instanceof Promise ? (result.catch(fail) as T) : result
  } catch (error) {
    return fail(error)
  }
}
