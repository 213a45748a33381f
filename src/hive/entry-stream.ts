import { onAbort } from '../bytes/on-abort.ts'
import type { EntriesOptions, EntryList, ListedEntry, ListOptions } from './hive.ts'
import { checkListOptions } from './list-options.ts'

/**
 * Streams the entries of a hive that gives them list by list. It holds one list at a time, and requests the next one
 * when that is used up.
 *
 * @throws {TypeError} at once, if an option is of a wrong type.
 */
export function entryStream(
  list: (options: ListOptions) => Promise<EntryList>,
  options: EntriesOptions,
): ReadableStream<ListedEntry> {
  const { prefix, after: begin } = checkListOptions({ prefix: options.prefix, after: options.after })
  const givenUp = new AbortController()
  let after = begin
  let stopListening = (): void => undefined

  return new ReadableStream<ListedEntry>(
    {
      start(controller) {
        stopListening = onAbort([options.signal], (reason) => {
          givenUp.abort(reason)
          controller.error(reason)
        })
      },
      async pull(controller) {
        try {
          for (;;) {
            const { entries, next } = await list({ prefix, after, signal: givenUp.signal })
            if (givenUp.signal.aborted) return
            for (const entry of entries) controller.enqueue(entry)
            after = next
            if (next === undefined) {
              stopListening()
              controller.close()
            }
            // A stream whose pull has enqueued nothing is not pulled again.
            if (next === undefined || entries.length > 0) return
          }
        } catch (error) {
          stopListening()
          throw error
        }
      },
      cancel(reason) {
        stopListening()
        givenUp.abort(reason)
      },
    },
    { highWaterMark: 0 },
  )
}
