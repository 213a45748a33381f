import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { randomIntegers } from '../noise.ts'

/** A link between clients and a server on 127.0.0.1. */
export interface SlowLinkOptions {
  /** Port of the server. */
  readonly targetPort: number
  /** Bytes per second from the server to all clients together. */
  readonly bytesPerSecond: number
  /** Milliseconds from a client to the server and back. */
  readonly roundTripMs: number
  /** How many of the stretches of 4 MB that the link delivers end with a cut, from 0 to 1. */
  readonly cutShare: number
}

/** A {@linkcode startSlowLink} that is open. */
export interface OpenLink {
  readonly port: number
  /**
   * Begins the schedule of cuts of this number, which is not 0. With the same number, connections are cut after the same
   * bytes, counted over all connections: each time it is the one that has just delivered them.
   */
  begin(schedule: number): void
}

/** What one connection may have on its way, about twice what the link holds: a window of TCP that has grown. */
const WINDOW_BYTES = 1_000_000
const STRETCH_BYTES = 4_000_000

/**
 * Starts a link with a rate and a delay, for machines whose kernel cannot delay packets. A connection costs a round trip
 * before its first request, as the handshake of TCP does.
 */
export async function startSlowLink(options: SlowLinkOptions): Promise<OpenLink> {
  const link = new SlowLink(options)
  const server = createServer({ noDelay: true }, (client) => link.join(client))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, begin: (schedule) => link.begin(schedule) }
}

class SlowLink {
  readonly #options: SlowLinkOptions
  #random = randomIntegers(1)
  /** Bytes that were delivered since the schedule of cuts began, without whole stretches. */
  #stretchBytes = 0
  /** When the last byte that is on its way will have left the server's end. */
  #freeMs = 0

  constructor(options: SlowLinkOptions) {
    this.#options = options
  }

  begin(schedule: number): void {
    // Small seeds begin with small numbers, and so with cuts.
    this.#random = randomIntegers(Math.imul(schedule, 0x9e_37_79_b9))
    this.#stretchBytes = 0
  }

  join(client: Socket): void {
    const server = connect({ host: '127.0.0.1', port: this.#options.targetPort, noDelay: true })
    const end = (): void => {
      client.destroy()
      server.destroy()
    }
    client.on('error', end).on('close', end)
    server.on('error', end)
    this.#passUp(client, server)
    this.#passDown(server, client, end)
  }

  #passUp(client: Socket, server: Socket): void {
    const { roundTripMs } = this.#options
    const openMs = performance.now() + roundTripMs
    client.on('data', (data) => {
      const waitMs = Math.max(0, openMs - performance.now()) + roundTripMs / 2
      setTimeout(() => server.write(data), waitMs)
    })
  }

  #passDown(server: Socket, client: Socket, cut: () => void): void {
    const { bytesPerSecond, roundTripMs, cutShare } = this.#options
    const queue: { readonly data: Buffer; readonly arriveMs: number }[] = []
    let onTheWay = 0
    let timer: NodeJS.Timeout | undefined
    const deliver = (): void => {
      clearTimeout(timer)
      timer = undefined
      while (!client.writableNeedDrain && queue.length > 0 && queue[0]!.arriveMs <= performance.now()) {
        const { data } = queue.shift()!
        onTheWay -= data.byteLength
        this.#stretchBytes += data.byteLength
        if (this.#stretchBytes >= STRETCH_BYTES) {
          this.#stretchBytes -= STRETCH_BYTES
          if (this.#random() < cutShare * 2 ** 32) return cut()
        }
        client.write(data)
      }
      if (onTheWay < WINDOW_BYTES) server.resume()
      if (queue.length === 0 && server.readableEnded) client.end()
      if (queue.length > 0 && !client.writableNeedDrain) schedule()
      return undefined
    }
    const schedule = (): void => {
      timer ??= setTimeout(deliver, Math.max(0, queue[0]!.arriveMs - performance.now()))
    }
    client.on('drain', deliver)
    server.on('data', (data: Buffer) => {
      this.#freeMs = Math.max(this.#freeMs, performance.now()) + (data.byteLength / bytesPerSecond) * 1000
      queue.push({ data, arriveMs: this.#freeMs + roundTripMs / 2 })
      onTheWay += data.byteLength
      if (onTheWay >= WINDOW_BYTES) server.pause()
      schedule()
    })
    server.on('end', deliver)
  }
}
