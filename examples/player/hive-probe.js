/** @import { EntryInfo, Hive } from './types.ts' */

const PAUSE_MS = 1_000

/**
 * Asks the hive for an entry until there is an answer, however long that takes: the hive may be unreachable for a second or
 * for a day.
 *
 * @param {Hive} hive fails at once if it cannot be reached
 * @param {string} alias
 * @param {object} options
 * @param {AbortSignal} options.signal
 * @param {(failure: unknown) => void} options.onFailure is called each time there is no answer
 * @returns {Promise<EntryInfo>} rejects if the answer is an error, for example that the entry does not exist
 */
export async function askUntilAnswered(hive, alias, { signal, onFailure }) {
  for (;;) {
    try {
      return await hive.stat(alias, { signal })
    } catch (failure) {
      signal.throwIfAborted()
      const { name, retryable } = /** @type {{ name: string, retryable?: boolean }} */ (failure)
      if (name !== 'BackendError' || retryable !== true) throw failure
      onFailure(failure)
      await pause(signal)
    }
  }
}

/**
 * Waits a moment, or until the browser reports that it is online again.
 *
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function pause(signal) {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      removeEventListener('online', end)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, PAUSE_MS)
    addEventListener('online', end)
    signal.addEventListener('abort', end)
  })
}
