import { memoryBackend as rowsInMemory } from '../../../src/backends/memory.ts'
import type { Backend } from '../../../src/store.ts'
import { gatewayBackend, objectGateway } from '../object-gateway.ts'
import { sharedBackends } from './shared-backend.ts'

export { BackendError } from '../../../src/errors.ts'

/** Stands in for the memory backend: blocks in an object store, which has no rows; these are in memory. */
export const memoryBackend: () => Backend = sharedBackends(
  async () => gatewayBackend(await objectGateway(), {}, rowsInMemory()),
  // Hundreds at a time, and the gateway answers 503 to some.
  { putsMayArriveLate: true, inFlight: 64 },
)
