import type { Backend } from '../../src/store.ts'
import { standstill } from './streams.ts'

/** A backend that counts round trips. */
export interface CountedBackend extends Backend {
  /** The calls of each round trip so far. */
  readonly trips: (readonly string[])[]
}

/**
 * Wraps a backend so that calls take effect in round trips: each waits until everybody who can go on without an answer has
 * made their calls, too. So calls that do not wait for each other share a round trip, and others cannot.
 */
export function countedTrips(backend: Backend): CountedBackend {
  const trips: string[][] = []
  let next: { readonly names: string[]; readonly sent: Promise<void> } | undefined

  async function call<T>(name: string, work: () => Promise<T>): Promise<T> {
    next ??= { names: [], sent: send() }
    next.names.push(name)
    await next.sent
    return work()
  }

  async function send(): Promise<void> {
    await standstill()
    trips.push(next!.names)
    next = undefined
  }

  const { metadata, blocks } = backend
  return {
    ...backend,
    trips,
    metadata: {
      get: (key, options) => call('get', () => metadata.get(key, options)),
      list: (options) => call('list', () => metadata.list(options)),
      commit: (checks, mutations, options) => call('commit', () => metadata.commit(checks, mutations, options)),
    },
    blocks: {
      put: (name, bytes, options) => call('put', () => blocks.put(name, bytes, options)),
      get: (name, options) => call('block', () => blocks.get(name, options)),
      size: (name, options) => call('size', () => blocks.size(name, options)),
      delete: (name, options) => call('delete', () => blocks.delete(name, options)),
      list: (options) => call('blocks', () => blocks.list(options)),
    },
  }
}
