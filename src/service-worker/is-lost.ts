import type { BackendError } from '../errors.ts'

/** Whether an error says that a hive or a store has failed for good, as it does once somebody has deleted its database. */
export function isLost(error: unknown): boolean {
  const { name, retryable } = error as Partial<BackendError>
  return name === 'BackendError' && retryable === false
}
