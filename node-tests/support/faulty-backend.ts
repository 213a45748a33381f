import { BackendError, QuotaExceededError } from '../../src/errors.ts'
import type { Backend, BackendCallOptions, StoreHost } from '../../src/store.ts'
import { VirtualHost } from './virtual-host.ts'

/** A fault of one call. */
export type Fault =
  /** The engine refuses. The call has no effect. */
  | 'fail'
  /** The same, but a retry may succeed. */
  | 'busy'
  /** There is no space. The call has no effect. */
  | 'quota'
  /** The call takes effect, but its answer is lost. */
  | 'lost'
  /** The call takes effect, and reading its answer ends with an error that no backend should have: a mistake in a driver. */
  | 'mistaken'
  /** The answer is lost, and the call takes effect only when {@linkcode FaultyBackend.arrive} is called. */
  | 'late'
  /** The process ends before or after the call takes effect. */
  | 'crash-before'
  | 'crash-after'
  /** The process ends while an object is being written. Half of it is stored. */
  | 'torn'
  /** The call takes effect after everything else that can proceed has done so. */
  | 'delay'

/** One call of a backend. */
export interface Step {
  /** Number of earlier calls. */
  readonly index: number
  /** The method. Methods of the blocks begin with `blocks.`. */
  readonly operation: string
}

/** A backend with faults. */
export interface FaultyBackend extends Backend {
  /** The calls so far. */
  readonly steps: readonly Step[]
  /** Resolves when the simulated process has ended. From then on, no call of the backend settles. */
  readonly crashed: Promise<void>
  /** Lets late calls take effect. */
  arrive(): Promise<void>
}

/** Wraps a backend. `plan` returns the fault of each call, or undefined for none. A delay sleeps on `host`. */
export function faulty(
  backend: Backend,
  plan: (step: Step) => Fault | undefined,
  host: Pick<StoreHost, 'sleep'> = new VirtualHost(),
): FaultyBackend {
  const steps: Step[] = []
  const late: (() => Promise<unknown>)[] = []
  let dead = false
  let crash = (): void => undefined
  const crashed = new Promise<void>((resolve) => {
    crash = resolve
  })

  async function step<O extends BackendCallOptions, T>(
    operation: string,
    options: O | undefined,
    call: (options: O | undefined) => Promise<T>,
    tear: () => Promise<unknown> = () => call(options),
  ): Promise<T> {
    const work = (): Promise<T> => call(options)
    if (dead) return never()
    options?.signal?.throwIfAborted()
    const each = { index: steps.length, operation }
    steps.push(each)
    const fault = plan(each)
    switch (fault) {
      case undefined:
        return work()
      case 'delay':
        await host.sleep(2)
        return dead ? never() : work()
      case 'fail':
        throw new BackendError(`${operation} fails`, { retryable: false })
      case 'busy':
        throw new BackendError(`${operation} is busy`, { retryable: true })
      case 'quota':
        throw new QuotaExceededError(`${operation} has no space`)
      case 'lost':
        await work()
        throw new BackendError(`the answer to ${operation} is lost`, { retryable: true, outcome: 'unknown' })
      case 'mistaken':
        await work()
        throw new TypeError(`the driver fails to read the answer to ${operation}`)
      case 'late':
        // A caller that aborts the call cannot take back what is under way.
        late.push(() => call(options && { ...options, signal: undefined }))
        throw new BackendError(`${operation} is late`, { retryable: true, outcome: 'unknown' })
      case 'crash-after':
        await work()
        break
      case 'torn':
        await tear()
        break
      case 'crash-before':
        break
    }
    dead = true
    crash()
    return never()
  }

  const { metadata, blocks } = backend
  return {
    ...backend,
    steps,
    crashed,
    async arrive() {
      for (const work of late.splice(0)) await work()
    },
    metadata: {
      get: (key, options) => step('get', options, (each) => metadata.get(key, each)),
      list: (options) => step('list', options, (each) => metadata.list(each!)),
      commit: (checks, mutations, options) =>
        step('commit', options, (each) => metadata.commit(checks, mutations, each)),
    },
    blocks: {
      put(name, bytes, options) {
        const own = bytes.slice()
        const half = own.subarray(0, own.byteLength >> 1)
        return step(
          'blocks.put',
          options,
          (each) => blocks.put(name, own, each),
          () => blocks.put(name, half),
        )
      },
      get: (name, options) => step('blocks.get', options, (each) => blocks.get(name, each)),
      size: (name, options) => step('blocks.size', options, (each) => blocks.size(name, each)),
      delete: (name, options) => step('blocks.delete', options, (each) => blocks.delete(name, each)),
      list: (options) => step('blocks.list', options, (each) => blocks.list(each!)),
    },
  }
}

/** A promise that never settles. */
function never(): Promise<never> {
  return new Promise(() => undefined)
}
