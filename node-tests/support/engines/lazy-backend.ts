import { afterEach } from 'vitest'
import type { Backend } from '../../../src/store/backend.ts'

/** A backend of a test, and what is left of it. */
export interface OpenedBackend {
  readonly backend: Backend
  /** Removes everything that is in it; undefined if it goes with its server. */
  remove?(): Promise<void>
}

const opened: Promise<OpenedBackend>[] = []

/** After each test, the engine gets rid of what the test has stored. */
export function removeAfterEach(): void {
  afterEach(async () => {
    for (const { backend, remove } of await Promise.all(opened.splice(0))) {
      await backend.close()
      await remove?.()
    }
  })
}

/** Makes a backend at once, which opens with the first call: tests make backends as if they were in memory. */
export function lazyBackend(open: () => Promise<OpenedBackend>): Backend {
  let opening: Promise<OpenedBackend> | undefined
  let isClosed = false
  const backend = async (signal?: AbortSignal): Promise<Backend> => {
    signal?.throwIfAborted()
    if (isClosed) throw new TypeError('the backend is closed')
    if (!opening) {
      opening = open()
      opened.push(opening)
    }
    return (await opening).backend
  }
  return {
    metadata: {
      get: async (key, options) => (await backend(options?.signal)).metadata.get(key, options),
      list: async (options) => (await backend(options.signal)).metadata.list(options),
      commit: async (checks, mutations, options) =>
        (await backend(options?.signal)).metadata.commit(checks, mutations, options),
    },
    blocks: {
      put: async (name, bytes, options) => (await backend(options?.signal)).blocks.put(name, bytes, options),
      get: async (name, options) => (await backend(options?.signal)).blocks.get(name, options),
      size: async (name, options) => (await backend(options?.signal)).blocks.size(name, options),
      delete: async (name, options) => (await backend(options?.signal)).blocks.delete(name, options),
      list: async (options) => (await backend(options.signal)).blocks.list(options),
    },
    async close() {
      isClosed = true
      await (await opening)?.backend.close()
    },
  }
}
