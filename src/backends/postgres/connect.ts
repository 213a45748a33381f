import { BackendError } from '../../errors.ts'
import type { PostgresClient } from './client.ts'

const LONGEST_PAUSE_S = 1

/**
 * Loads the driver. Returns a function that makes a client, which connects when it is used.
 *
 * @throws {BackendError} if the driver is not installed.
 */
export async function loadDriver(): Promise<(url: string, connections: number) => PostgresClient> {
  let driver: typeof import('postgres')
  try {
    driver = (await import('postgres')).default
  } catch (cause) {
    throw new BackendError('install the driver: npm install postgres', { retryable: false, cause })
  }
  return (url, connections) =>
    driver(url, {
      max: connections,
      // The driver would print them.
      onnotice: () => undefined,
      // Only arrays need them, and they cost each connection a round trip.
      fetch_types: false,
      connection: { application_name: 'combstream' },
      // The driver would wait for up to 20 s after a few failures, however many calls they come from.
      backoff: (failures) => (0.5 + Math.random() / 2) * Math.min(0.01 * 3 ** failures, LONGEST_PAUSE_S),
    })
}
