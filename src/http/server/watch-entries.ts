import { byteStream } from '../../bytes/byte-stream.ts'
import { EVENT_STREAM_TYPE, HEARTBEAT_MS } from '../protocol/watch-events.ts'
import type { Answer } from './answer.ts'
import type { ChangeLog } from './change-log.ts'
import type { HiveRequest } from './hive-request.ts'

/** Neither caches nor proxies may hold events back: the last is for nginx. */
const HEADERS = {
  'Content-Type': EVENT_STREAM_TYPE,
  'Cache-Control': 'no-store, no-transform',
  'X-Content-Type-Options': 'nosniff',
  'X-Accel-Buffering': 'no',
}

/**
 * Answers GET and HEAD of `/?watch`: server-sent events for the changes of entries with a prefix, from now on, or from
 * the position in Last-Event-ID on.
 */
export async function watchEntries({ request, prefix, watchers }: HiveRequest): Promise<Answer> {
  if (request.method === 'HEAD') return { status: 200, headers: HEADERS }
  const { log, leave } = watchers.join()
  const lastId = request.headers.get('last-event-id')
  const position = lastId === null ? log.end : log.positionOf(lastId)
  return { status: 200, headers: HEADERS, body: { stream: eventStream(log, prefix, position), release: leave } }
}

/** Sends events as they are read; nothing waits here for a slow reader. It ends or fails as the log does. */
function eventStream(log: ChangeLog, prefix: string, begin: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder()
  let position = begin
  /** The position that the client knows. */
  let sent: number | undefined
  let isCancelled = false
  let stopWaiting = (): void => undefined

  /** Waits for a change; resolves with false after a while without one. */
  const changed = (): Promise<boolean> =>
    new Promise((resolve) => {
      const timer = setTimeout(() => end(false), HEARTBEAT_MS)
      const unlisten = log.wait(() => end(true))
      const end = (isChanged: boolean): void => {
        clearTimeout(timer)
        unlisten()
        resolve(isChanged)
      }
      stopWaiting = () => end(true)
    })
  const next = async (): Promise<string | undefined> => {
    let isQuiet = false
    for (;;) {
      const { text, position: following } = log.eventsAt(position, prefix)
      position = following
      if (text !== '') {
        sent = position
        return text
      }
      // The first bytes are sent at once. A position is sent on its own, too: changes of other prefixes move it.
      if (sent === undefined || (isQuiet && sent !== position)) {
        sent = position
        return `:\n${log.idAt(position)}`
      }
      if (isQuiet) return ':\n\n'
      if (log.ended) {
        if ('error' in log.ended) throw log.ended.error
        return undefined
      }
      isQuiet = !(await changed())
      // Another wait would leave its timer behind.
      if (isCancelled) return undefined
    }
  }
  return byteStream({
    async next() {
      const text = await next()
      return text === undefined ? undefined : encoder.encode(text)
    },
    cancel() {
      isCancelled = true
      stopWaiting()
    },
  })
}
