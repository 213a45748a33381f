/** What a worker has open. */
export interface WorkerCounts {
  readonly timers: number
  /** Bodies of answers that have neither ended nor been cancelled. */
  readonly bodies: number
}

/**
 * Observes and limits what a service worker uses, before it starts. A page asks for the counts with the message `count` and a
 * port. Parameters in the URL of the script: `room`, the bytes of blocks that IndexedDB stores before it is full;
 * `claims=later`, with which the worker does not take over pages that are open when it starts.
 */
export function observeHost(): void {
  const parameters = new URL(location.href).searchParams
  const timers = countTimers()
  const bodies = countBodies()
  addEventListener('message', ({ data, ports: [port] }: MessageEvent) => {
    if (data === 'count') port?.postMessage({ timers: timers.size, bodies: bodies.size } satisfies WorkerCounts)
  })
  const room = parameters.get('room')
  if (room !== null) limitRoom(Number(room))
  if (parameters.get('claims') === 'later') claimLater()
}

function countTimers(): Set<unknown> {
  const timers = new Set<unknown>()
  for (const [begin, end, isOnce] of [
    ['setTimeout', 'clearTimeout', true],
    ['setInterval', 'clearInterval', false],
  ] as const) {
    const { [begin]: start, [end]: stop } = globalThis
    globalThis[begin] = ((run: () => void, ms?: number) => {
      const timer = start(() => {
        if (isOnce) timers.delete(timer)
        run()
      }, ms)
      timers.add(timer)
      return timer
    }) as typeof setTimeout
    globalThis[end] = (timer) => {
      timers.delete(timer)
      stop(timer)
    }
  }
  return timers
}

function countBodies(): Set<unknown> {
  const bodies = new Set<unknown>()
  const counted = ({ body, status, statusText, headers }: Response): Response => {
    if (!body) return new Response(null, { status, statusText, headers })
    const reader = body.getReader()
    bodies.add(reader)
    const source: UnderlyingDefaultSource<Uint8Array> = {
      async pull(controller) {
        try {
          const { done, value } = await reader.read()
          if (!done) return controller.enqueue(value)
          bodies.delete(reader)
          controller.close()
        } catch (error) {
          bodies.delete(reader)
          throw error
        }
      },
      async cancel(reason) {
        bodies.delete(reader)
        await reader.cancel(reason)
      },
    }
    return new Response(new ReadableStream(source, { highWaterMark: 0 }), { status, statusText, headers })
  }
  addEventListener('fetch', (event) => {
    const answered = event as Event & { respondWith(answer: Promise<Response>): void }
    const respondWith = answered.respondWith.bind(answered)
    answered.respondWith = (answer) => respondWith(answer.then(counted))
  })
  return bodies
}

/** Rows are small, and there is always room for them. */
const BLOCK_BYTES = 100_000

function limitRoom(bytes: number): void {
  let left = bytes
  for (const name of ['add', 'put'] as const) {
    const { [name]: store } = IDBObjectStore.prototype
    IDBObjectStore.prototype[name] = function (value: unknown, key?: IDBValidKey) {
      const size = sizeOf(value)
      if (size >= BLOCK_BYTES) left -= size
      if (left < 0 && size >= BLOCK_BYTES) throw new DOMException('there is no room left', 'QuotaExceededError')
      return store.call(this, value, key)
    }
  }
}

function sizeOf(value: unknown): number {
  if (value instanceof Blob) return value.size
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer ? value.byteLength : 0
}

function claimLater(): void {
  const { clients } = globalThis as unknown as { clients: { claim(): Promise<void> } }
  const claim = clients.claim.bind(clients)
  let mayClaim = false
  clients.claim = () => (mayClaim ? claim() : Promise.resolve())
  addEventListener('message', () => (mayClaim = true))
}
