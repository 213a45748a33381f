import { HttpHive } from 'combstream/http'
import { type Contest, type Cost, timed } from '../contest.ts'
import { drain } from '../drain.ts'

/** What is read, and from where. */
export interface ReadingRow {
  /** Where it is read, for the table. */
  readonly where: string
  /** Root URL of the hive. */
  readonly url: string
  /** Number of bytes to read, from the start of the entry `large`. */
  readonly byteLength: number
  /** The least ratio of the peer's time to ours. */
  readonly target: number
}

/** Reading an entry with default options, opening included, beside one `fetch`, which begins anew if it is cut off. */
export function readingContest({ where, url, byteLength, target }: ReadingRow): Contest {
  return {
    what: `read ${byteLength / 2 ** 20} MiB ${where}`,
    peerName: 'bare fetch',
    amount: byteLength / 1e6,
    unit: 'MB',
    target,
    ours: () => timed(() => readEntry(url, byteLength)),
    peer: () => timed(() => fetchAnew(url, byteLength)),
  }
}

/**
 * The same contest with cuts: both sides of a round meet the same ones, and those of another round are others. The means
 * are compared: a median would be that of a round without a cut, of which there are as many as of others.
 */
export function withCuts(contest: Contest, beginCuts: (schedule: number) => Promise<void>): Contest {
  const cutOff = (side: () => Promise<Cost>): (() => Promise<Cost>) => {
    let round = 0
    return async () => {
      await beginCuts(++round)
      return side()
    }
  }
  return { ...contest, average: 'mean', ours: cutOff(() => contest.ours()), peer: cutOff(() => contest.peer()) }
}

/** Reads the start of the entry with default options. */
export async function readEntry(url: string, byteLength: number): Promise<void> {
  const entry = await new HttpHive(url).open('large')
  let received = 0
  await drain(entry.stream({ end: byteLength }), (chunk) => (received += chunk.byteLength))
  if (received !== byteLength) throw new Error(`received ${received} bytes instead of ${byteLength}`)
}

async function fetchAnew(url: string, byteLength: number): Promise<void> {
  for (;;) {
    let received = 0
    try {
      const response = await fetch(`${url}large`, { headers: { Range: `bytes=0-${byteLength - 1}` } })
      await drain(response.body!, (chunk) => (received += chunk.byteLength))
    } catch (error) {
      // undici's words for a connection that was cut off.
      if (!(error instanceof TypeError)) throw error
    }
    if (received === byteLength) return
  }
}
