import type { CachedHive, CacheStatistics, CacheUsage } from '../cache/cached-hive-types.ts'
import { ERROR_KINDS } from '../http/protocol/error-kinds.ts'
import { isRecord } from '../http/protocol/is-record.ts'

/** What the cache of a service worker occupies, and where bytes came from since the worker was started. */
export interface WorkerCacheUsage extends CacheUsage, CacheStatistics {
  /** Whether the worker answers from the cache only. */
  readonly offline: boolean
}

/** What a page asks of its service worker. All but `renew` are calls of its cache. */
export type WorkerCall =
  | { readonly call: 'pin' | 'unpin' | 'cached'; readonly alias: string }
  | { readonly call: 'usage' }
  | { readonly call: 'renew' }
  | { readonly call: 'list'; readonly after: string | undefined }
  | { readonly call: 'clear'; readonly everyone: boolean }
  | { readonly call: 'offline'; readonly offline: boolean }

/** What a service worker answers: that it has the call, perhaps several times that there is progress, and the result. */
export type WorkerAnswer =
  | { readonly accepted: true }
  | { readonly progress: unknown }
  | { readonly value: unknown }
  | { readonly error: { readonly name: string; readonly message: string; readonly [fact: string]: unknown } }

/** What answers the calls. */
export interface WorkerCallee {
  /** Runs `work` with the cache for the page that calls. */
  use<T>(work: (cache: CachedHive) => Promise<T>): Promise<T>
  /** Where bytes came from, and whether the worker answers from the cache only. */
  statistics(): CacheStatistics & { readonly offline: boolean }
  /** Makes the worker answer from the cache only, or ends that. */
  setOffline(offline: boolean): Promise<void>
  /** Forgets who the users of the pages are. */
  renew(): void
}

/** Reads a call; undefined if it is not one. */
export function readPageCall(data: unknown): WorkerCall | undefined {
  if (!isRecord(data)) return undefined
  const { call, alias, after, everyone, offline } = data
  if (call === 'pin' || call === 'unpin' || call === 'cached') {
    return typeof alias === 'string' ? { call, alias } : undefined
  }
  if (call === 'usage' || call === 'renew') return { call }
  if (call === 'list') return after === undefined || typeof after === 'string' ? { call, after } : undefined
  if (call === 'clear') return typeof everyone === 'boolean' ? { call, everyone } : undefined
  if (call === 'offline') return typeof offline === 'boolean' ? { call, offline } : undefined
  return undefined
}

/** Carries out a call of a page, and answers on its port. A message from the page aborts it. */
export async function answerPageCall(
  call: WorkerCall | undefined,
  port: MessagePort,
  callee: WorkerCallee,
): Promise<void> {
  const controller = new AbortController()
  port.onmessage = () => controller.abort()
  const answer = (message: WorkerAnswer): void => port.postMessage(message)
  answer({ accepted: true })
  try {
    if (!call) throw new TypeError('the service worker does not know this call')
    const onProgress = (progress: unknown): void => answer({ progress })
    answer({ value: await carryOut(call, callee, { signal: controller.signal, onProgress }) })
  } catch (error) {
    answer({ error: describeError(error) })
  } finally {
    port.onmessage = null
  }
}

async function carryOut(
  call: WorkerCall,
  callee: WorkerCallee,
  options: { signal: AbortSignal; onProgress(progress: unknown): void },
): Promise<unknown> {
  if (call.call === 'renew') return callee.renew()
  if (call.call === 'offline') return callee.setOffline(call.offline)
  return callee.use((hive) => callCache(call, hive, callee, options))
}

/** A call that is about the cache. */
type CacheCall = Exclude<WorkerCall, { readonly call: 'renew' | 'offline' }>

async function callCache(
  call: CacheCall,
  hive: CachedHive,
  callee: WorkerCallee,
  options: { signal: AbortSignal; onProgress(progress: unknown): void },
): Promise<unknown> {
  const { signal } = options
  switch (call.call) {
    case 'pin': {
      const { alias, size, etag, type, modified } = await hive.pin(call.alias, options)
      return { alias, size, etag, type, modified }
    }
    case 'unpin':
      return hive.unpin(call.alias, { signal })
    case 'cached':
      // What is on its way counts, too.
      await hive.flush()
      return hive.cached(call.alias, { signal })
    case 'list':
      return hive.list({ after: call.after, signal })
    case 'usage':
      return { ...(await hive.usage({ signal })), ...callee.statistics() } satisfies WorkerCacheUsage
    default:
      return hive.clear({ everyone: call.everyone, signal })
  }
}

/** Describes an error so that a page can make it again. */
function describeError(error: unknown): Extract<WorkerAnswer, { error: unknown }>['error'] {
  const { name, message } = error as Error
  const facts = Object.hasOwn(ERROR_KINDS, name) ? ERROR_KINDS[name]!.facts : []
  return {
    ...Object.fromEntries(facts.map((fact) => [fact, (error as Record<string, unknown>)[fact]])),
    name,
    message,
  }
}

/** Makes the error again that a service worker has described. */
export function makeError({ name, message, ...facts }: Extract<WorkerAnswer, { error: unknown }>['error']): Error {
  return Object.hasOwn(ERROR_KINDS, name) ? ERROR_KINDS[name]!.make(message, facts) : new Error(message)
}
