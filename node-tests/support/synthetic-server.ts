import { equalBytes } from '../../src/bytes/byte-order.ts'
import { randomBytes } from './streams.ts'

/** Prime, so that no range of a usual size looks like another one. */
const PERIOD = 65_521
const PATTERN = randomBytes(2 * PERIOD).subarray(0, PERIOD)
const DOUBLED = new Uint8Array([...PATTERN, ...PATTERN])

/** Whether the entry of a {@linkcode SyntheticServer} has these bytes, at most 65,521, at an offset. */
export function hasSyntheticBytes(bytes: Uint8Array, offset: number): boolean {
  return equalBytes(bytes, DOUBLED.subarray(offset % PERIOD, (offset % PERIOD) + bytes.byteLength))
}

/** Returns bytes of that entry: at most 65,521. */
function syntheticBytes(offset: number, byteLength: number): Uint8Array<ArrayBuffer> {
  return DOUBLED.slice(offset % PERIOD, (offset % PERIOD) + byteLength)
}

/** A range that was requested. */
export interface SyntheticRange {
  readonly start: number
  readonly end: number
  /** Number of bytes that its body has been asked for. */
  pulledBytes: number
  /** Whether the request was aborted, or the body cancelled. */
  isGivenUp: boolean
  /** Lets the answer begin, if the server holds answers back. */
  answer(): void
}

/**
 * A server with one entry of any size, whose bytes are computed when a body is asked for them. It counts what clients
 * pull.
 */
export class SyntheticServer {
  readonly ranges: SyntheticRange[] = []
  /** Whether answers are 200s with the whole entry, as those of a server without ranges. */
  ignoresRanges = false
  /** Whether answers wait until they are told to begin. */
  holdsAnswers = false
  /** The version that the entry has now. */
  etag = '"synthetic"'
  /** Number of bytes after which each body breaks off. */
  breaksAfter = Infinity
  /** How bodies break off: with an error, or as if they were complete. */
  breaksWith: 'error' | 'end' = 'error'
  /** What is requested without bytes; answered with one of these statuses, the first of them first, then with 200. */
  heads = 0
  readonly headFailures: number[] = []
  /** The signals of HEADs that are never answered, from the time on when this is an array. */
  silentHeads: AbortSignal[] | undefined
  readonly #size: number
  readonly #chunkBytes: number

  constructor(size: number, chunkBytes = PERIOD) {
    this.#size = size
    this.#chunkBytes = chunkBytes
  }

  /** Number of bytes that all bodies have been asked for. */
  get pulledBytes(): number {
    return this.ranges.reduce((sum, { pulledBytes }) => sum + pulledBytes, 0)
  }

  /** Answers a request; to be used as the `fetch` of a client. */
  readonly fetch = async (_url: string, { method, headers, signal }: RequestInit): Promise<Response> => {
    const fields = { ETag: this.etag, 'Content-Type': 'text/plain' }
    if (method === 'HEAD') return this.#head(fields, signal!)
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(new Headers(headers).get('range') ?? '')!
    const sendsAll = this.ignoresRanges
    const [start, end] = sendsAll ? [0, this.#size] : [Number(first), Number(last) + 1]
    let begin = (): void => undefined
    const held = new Promise<void>((resolve) => (begin = resolve))
    const range: SyntheticRange = { start, end, pulledBytes: 0, isGivenUp: false, answer: begin }
    this.ranges.push(range)
    const isAborted = new Promise<never>((_resolve, reject) => {
      signal?.addEventListener('abort', () => {
        range.isGivenUp = true
        reject(signal.reason as Error)
      })
    })
    isAborted.catch(() => undefined)
    if (this.holdsAnswers) await Promise.race([held, isAborted])
    if (sendsAll) {
      return new Response(this.#body(range), { headers: { ...fields, 'Content-Length': String(this.#size) } })
    }
    return new Response(this.#body(range), {
      status: 206,
      headers: {
        ...fields,
        'Content-Length': String(end - start),
        'Content-Range': `bytes ${start}-${end - 1}/${this.#size}`,
      },
    })
  }

  #head(fields: Record<string, string>, signal: AbortSignal): Response | Promise<Response> {
    this.heads++
    if (this.silentHeads) {
      this.silentHeads.push(signal)
      return new Promise(() => undefined)
    }
    const status = this.headFailures.shift() ?? 200
    const headers = { ...fields, 'Content-Length': String(this.#size), 'Retry-After': '0' }
    return new Response(null, { status, headers })
  }

  #body(range: SyntheticRange): ReadableStream<Uint8Array> {
    const { start, end } = range
    return new ReadableStream(
      {
        pull: (controller) => {
          const offset = start + range.pulledBytes
          const byteLength = Math.min(this.#chunkBytes, end - offset, this.breaksAfter - range.pulledBytes)
          if (byteLength <= 0) {
            if (offset < end && this.breaksWith === 'error') controller.error(new TypeError('terminated'))
            else controller.close()
            return
          }
          range.pulledBytes += byteLength
          controller.enqueue(syntheticBytes(offset, byteLength))
        },
        cancel() {
          range.isGivenUp = true
        },
      },
      { highWaterMark: 0 },
    )
  }
}
