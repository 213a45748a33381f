import type { Backend, BackendError } from '../../src/store.ts'
import { type Fault, faulty } from './faulty-backend.ts'

/** Faults after which the process goes on. */
const FAULTS: readonly Fault[] = ['fail', 'busy', 'quota', 'lost', 'late', 'delay']

/** A key that no case uses; what it begins with comes after all other keys of the same length. */
const MARKER_BYTES = 1_000

/**
 * Wraps a backend in faults, and in a caller who deals with each of them, so that the suite of backends must pass: the
 * caller tries again what had no effect, and finds out what a call with an unknown outcome has done. A commit that was
 * applied in part, or a row that a lost answer hides, would make a case fail.
 */
export function settledBackend(backend: Backend): Backend {
  const disturbed = faulty(backend, ({ index }) =>
    index % 3 === 0 ? FAULTS[Math.floor(index / 3) % FAULTS.length] : undefined,
  )
  const { metadata, blocks } = disturbed
  let markers = 0

  // One after the other: a call is not repeated while its late first attempt is under way.
  let arriving: Promise<void> = Promise.resolve()
  const arrive = (): Promise<void> => (arriving = arriving.then(() => disturbed.arrive()))

  /** Repeats a call until it has no fault, or until `find` finds the result of one that had a fault. */
  async function repeat<T>(call: () => Promise<T>, find?: () => Promise<T | undefined>): Promise<T> {
    for (;;) {
      try {
        return await call()
      } catch (error) {
        if (!isFault(error)) throw error
        await arrive()
        const found = await find?.()
        if (found !== undefined) return found
      }
    }
  }

  return {
    ...backend,
    metadata: {
      get: (key, options) => repeat(() => metadata.get(key, options)),
      list: (options) =>
        repeat(async () => (await metadata.list(options)).filter(({ key }) => key.byteLength !== MARKER_BYTES)),
      async commit(checks, mutations, options) {
        const marker = new Uint8Array(MARKER_BYTES).fill(0xff)
        new DataView(marker.buffer).setUint32(MARKER_BYTES - 4, markers++)
        const marked = mutations.length === 0 ? [] : [...mutations, { key: marker, value: new Uint8Array(1) }]
        const applied = await repeat(
          () => metadata.commit(checks, marked, options),
          async () => (await backend.metadata.get(marker))?.version,
        )
        if (marked.length > 0) await backend.metadata.commit([], [{ key: marker, value: undefined }])
        return applied
      },
    },
    blocks: {
      async put(name, bytes, options) {
        await repeat(async () => {
          if ((await backend.blocks.size(name, options)) === undefined) await blocks.put(name, bytes, options)
        })
      },
      get: (name, options) => repeat(() => blocks.get(name, options)),
      size: (name, options) => repeat(() => blocks.size(name, options)),
      delete: (name, options) => repeat(() => blocks.delete(name, options)),
      list: (options) => repeat(() => blocks.list(options)),
    },
  }
}

/** Whether this is a fault, or a refusal of the backend itself after which another try may succeed. */
function isFault(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if ((error as Partial<BackendError>).retryable === true) return true
  return / (fails|has no space)$/.test(error.message)
}
