import type { Operation, Transfer } from 'combstream'

/** Bytes of the bodies of all exchanges of one operation. */
interface Total {
  /** Number of exchanges. */
  exchanges: number
  /** Bytes that the server received. */
  received: number
  /** Bytes that the server sent. */
  sent: number
}

/** Adds up the bytes that cross the network, for each entry and each operation, as the server counts them. */
export class Traffic {
  readonly #totals = new Map<string, Partial<Record<Operation, Total>>>()

  /** Counts an exchange that has ended. */
  add({ alias, operation, status, received, sent }: Transfer): void {
    // A failed request may not name an entry; counting every requested name would grow without limit.
    if (alias === undefined || operation === undefined || status >= 400) return
    const totals = this.#totals.get(alias) ?? {}
    this.#totals.set(alias, totals)
    const total = (totals[operation] ??= { exchanges: 0, received: 0, sent: 0 })
    total.exchanges++
    total.received += received
    total.sent += sent
  }

  /** The totals of an entry, by operation, as JSON. */
  answer(alias: string): Response {
    return Response.json(this.#totals.get(alias) ?? {}, { headers: { 'Cache-Control': 'no-store' } })
  }
}
