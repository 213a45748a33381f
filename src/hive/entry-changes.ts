import { onAbort } from '../bytes/on-abort.ts'
import { BackendError } from '../errors.ts'
import type { StoreNotices } from '../store/notices.ts'
import type { WatchOptions } from './hive.ts'
import { type EntryChange, type HiveChange, MISSED } from './hive-change.ts'
import { checkListOptions } from './list-options.ts'

/** Largest number of entries whose changes wait for a reader. */
const MAX_WAITING = 10_000

/** Tells those who watch a hive, here and wherever the notices of its store go, that an entry has changed. */
export function announceChange(notices: StoreNotices, { alias, etag }: EntryChange): void {
  notices.publish(JSON.stringify({ alias, etag }))
}

/**
 * Streams the changes of entries from now on, and whether some may have been missed. While nobody reads, it keeps the last
 * change of each entry.
 *
 * @throws {TypeError} at once, if an option is of a wrong type.
 */
export function changeStream(notices: StoreNotices, options: WatchOptions): ReadableStream<HiveChange> {
  const { prefix } = checkListOptions({ prefix: options.prefix })
  const waiting = new Map<string | undefined, HiveChange>()
  let isAwaited = false
  let stop = (): void => undefined

  return new ReadableStream<HiveChange>(
    {
      start(controller) {
        const fail = (reason: unknown): void => {
          stop()
          controller.error(reason)
        }
        const take = (change: HiveChange): void => {
          // In the order of the last changes.
          waiting.delete(change.alias)
          waiting.set(change.alias, change)
          if (isAwaited) deliver(controller)
          else if (waiting.size > MAX_WAITING) fail(tooManyChanges())
        }
        const onNotice = (notice: string): void => {
          const change = parseChange(notice)
          if (change?.alias.startsWith(prefix)) take(change)
        }
        const onMissed = (): void => {
          // Whoever looks at all entries sees these changes, too.
          waiting.clear()
          take(MISSED)
        }
        const unsubscribe = notices.subscribe(onNotice, onMissed)
        const stopListening = onAbort([options.signal, notices.closed], fail)
        stop = () => {
          unsubscribe()
          stopListening()
        }
        if (options.signal?.aborted || notices.closed.aborted) stop()
      },
      pull(controller) {
        isAwaited = true
        deliver(controller)
      },
      cancel: () => stop(),
    },
    { highWaterMark: 0 },
  )

  function deliver(controller: ReadableStreamDefaultController<HiveChange>): void {
    for (const [alias, change] of waiting) {
      waiting.delete(alias)
      isAwaited = false
      controller.enqueue(change)
      return
    }
  }
}

/** Reads a notice; undefined if it is not one of these: another version of the package may have sent it. */
function parseChange(notice: string): EntryChange | undefined {
  try {
    const { alias, etag } = JSON.parse(notice) as { alias?: unknown; etag?: unknown }
    if (typeof alias !== 'string' || (etag !== undefined && typeof etag !== 'string')) return undefined
    return { alias, etag }
  } catch {
    return undefined
  }
}

function tooManyChanges(): BackendError {
  const message = `changes of more than ${MAX_WAITING} entries were not read: list the entries, and watch again`
  return new BackendError(message, { retryable: true })
}
