import { connect, type Socket } from 'node:net'

/** How long a tick is. */
const TICK_MS = 100
/** As much as a reader that has been late may catch up in one tick. */
const MAX_TICKS_AT_ONCE = 10

/** What {@linkcode readSlowly} asks for. */
export interface SlowReading {
  /** URL of the entry. */
  readonly url: string
  /** Number of bytes of the entry. Each reader begins somewhere else in it. */
  readonly size: number
  /** Number of readers, each with a connection of its own. */
  readonly readers: number
  /** Bytes per second of each reader. */
  readonly rate: number
  /** How long they read, after all have begun, in milliseconds. */
  readonly durationMs: number
}

/** What the readers got. */
export interface SlowResult {
  /** Readers that got at least 95 % of what they asked for. */
  readonly served: number
  /** Bytes that all readers took. */
  readonly bytes: number
  /** How long they read, in milliseconds. */
  readonly wallMs: number
}

/** Reads an entry over many connections, each at the same slow rate, as players do. */
export async function readSlowly({ url, size, readers, rate, durationMs }: SlowReading): Promise<SlowResult> {
  const { hostname, port, pathname } = new URL(url)
  const open = (index: number): Promise<Reader> => {
    const start = Math.floor((size / 2) * (index / readers))
    return Reader.open(Number(port), hostname, pathname, start)
  }
  const all = await Promise.all(Array.from({ length: readers }, (_, index) => open(index)))
  const begun = performance.now()
  const perTick = (rate * TICK_MS) / 1_000
  let ticks = 0
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const due = Math.min(Math.floor((performance.now() - begun) / TICK_MS), durationMs / TICK_MS)
      const allowed = Math.min(due - ticks, MAX_TICKS_AT_ONCE)
      ticks += allowed
      for (const reader of all) reader.take(perTick * allowed)
      if (ticks < durationMs / TICK_MS) return
      clearInterval(timer)
      resolve()
    }, TICK_MS)
  })
  const wallMs = performance.now() - begun
  const wanted = (rate * durationMs) / 1_000
  const result = {
    served: all.filter(({ taken }) => taken >= wanted * 0.95).length,
    bytes: all.reduce((sum, { taken }) => sum + taken, 0),
    wallMs,
  }
  for (const reader of all) reader.close()
  return result
}

/** One connection, of which only as much is read as its rate allows. */
class Reader {
  /** Bytes that it took. */
  taken = 0
  #allowed = 0
  readonly #socket: Socket

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('readable', () => this.#drain())
    // A server that gives up shows in what the reader has taken.
    socket.on('error', () => undefined)
  }

  /** Opens a connection, and resolves once the answer has begun. */
  static async open(port: number, host: string, path: string, start: number): Promise<Reader> {
    const socket = connect(port, host)
    socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nRange: bytes=${start}-\r\n\r\n`)
    await new Promise<void>((resolve, reject) => {
      socket.once('readable', resolve)
      socket.once('error', reject)
    })
    return new Reader(socket)
  }

  /** Lets the reader take so many bytes more. */
  take(byteLength: number): void {
    this.#allowed += byteLength
    this.#drain()
  }

  close(): void {
    this.#socket.destroy()
  }

  #drain(): void {
    const ready = Math.min(Math.floor(this.#allowed), this.#socket.readableLength)
    if (ready <= 0) return
    const chunk = this.#socket.read(ready) as Uint8Array | null
    if (!chunk) return
    this.taken += chunk.byteLength
    this.#allowed -= chunk.byteLength
  }
}
