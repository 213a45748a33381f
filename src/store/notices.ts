import type { Backend, Notices } from './backend.ts'

/** Notices within this process, for backends that carry none. */
const WITHIN_PROCESS = new WeakMap<Backend, Notices>()
const OF_STORES = new WeakMap<object, StoreNotices>()

/** The notices of one store, and a signal that aborts when the store is closed. */
export interface StoreNotices extends Notices {
  readonly closed: AbortSignal
}

/**
 * The notices of a store. They belong to the hive in the store, so they are not part of the store's public interface.
 *
 * @throws {TypeError} if this is not a store.
 */
export function noticesOf(store: object): StoreNotices {
  const notices = OF_STORES.get(store)
  if (!notices) throw new TypeError('the notices are those of a StreamStore')
  return notices
}

/** Gives a store its notices: those of its backend that bear its name. */
export function setNoticesOf(store: object, backend: Backend, name: string, closed: AbortSignal): void {
  const prefix = `${name}/`
  const notices = backend.notices ?? withinProcess(backend)
  OF_STORES.set(store, {
    closed,
    publish: (notice) => notices.publish(prefix + notice),
    subscribe: (listener, onMissed) =>
      notices.subscribe((notice) => {
        if (notice.startsWith(prefix)) listener(notice.slice(prefix.length))
      }, onMissed),
  })
}

function withinProcess(backend: Backend): Notices {
  const known = WITHIN_PROCESS.get(backend)
  if (known) return known
  const listeners = new Set<(notice: string) => void>()
  const notices: Notices = {
    publish(notice) {
      for (const listener of listeners) listener(notice)
    },
    subscribe(listener) {
      const own = (notice: string): void => listener(notice)
      listeners.add(own)
      return () => listeners.delete(own)
    },
  }
  WITHIN_PROCESS.set(backend, notices)
  return notices
}
