import type { Server } from 'node:http'
import { serve } from 'srvx'
import type { TestProject } from 'vitest/node'
import { memoryBackend } from '../../src/backends/memory.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { createHiveHandler } from '../../src/http/server/handler.ts'
import { StreamStore } from '../../src/store/stream-store.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Root URL of a hive whose server counts what is open, with a trailing slash. See `setup` in support/watched-hive.ts. */
    watchedUrl: string
  }
}

/** What the server has open, and what it has sent of the hive. */
export interface Watched {
  /** Answers whose bodies have not ended. */
  readonly answers: number
  /** Connections. */
  readonly sockets: number
  /** Bytes of all bodies. */
  readonly sentBytes: number
}

/** Bytes that are sent at a time while there is a limit. */
const PIECE_BYTES = 16_384

/**
 * Starts a hive that sends no more bytes than it is allowed, and says what is open. Each request has a connection of its own,
 * so that none stays open for others.
 *
 * `GET /-/counts` tells what is {@linkcode Watched}, without that request itself. `GET /-/allow?bytes=N` allows so many bytes
 * more; `GET /-/stop` allows none from now on, and `GET /-/go` ends that.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const allowance = new Allowance()
  let answers = 0
  let sentBytes = 0
  const sockets = new Set<unknown>()
  const handle = createHiveHandler(new LocalHive(new StreamStore(memoryBackend())), { base: '/hive/', cors: '*' })

  const watched = (body: ReadableStream<Uint8Array<ArrayBuffer>>): ReadableStream<Uint8Array> => {
    answers++
    const reader = body.getReader()
    let rest: Uint8Array | undefined
    let end = (): void => {
      answers--
      end = () => undefined
    }
    return new ReadableStream(
      {
        async pull(controller) {
          try {
            rest ??= (await reader.read()).value
            if (!rest) {
              end()
              return controller.close()
            }
            const allowed = await allowance.take(rest.byteLength)
            const piece = rest.subarray(0, allowed)
            rest = allowed < rest.byteLength ? rest.subarray(allowed) : undefined
            sentBytes += piece.byteLength
            controller.enqueue(piece)
          } catch (error) {
            end()
            throw error
          }
        },
        async cancel(reason) {
          end()
          await reader.cancel(reason)
        },
      },
      { highWaterMark: 0 },
    )
  }

  const tell = (): Response => Response.json({ answers, sockets: sockets.size - 1, sentBytes } satisfies Watched)
  const command = (name: string, bytes: number): Response => {
    if (name === 'allow') allowance.add(bytes)
    if (name === 'stop') allowance.set(0)
    if (name === 'go') allowance.set(Infinity)
    return tell()
  }
  const server = serve({
    hostname: '127.0.0.1',
    port: 0,
    silent: true,
    gracefulShutdown: false,
    async fetch(request) {
      const { pathname, searchParams } = new URL(request.url)
      const isCommand = pathname.startsWith('/-/')
      const response = isCommand
        ? command(pathname.slice('/-/'.length), Number(searchParams.get('bytes')))
        : await handle(request)
      const headers = new Headers(response.headers)
      headers.set('Connection', 'close')
      if (isCommand) headers.set('Access-Control-Allow-Origin', '*')
      const body = isCommand || !response.body ? response.body : watched(response.body)
      return new Response(body, { status: response.status, headers })
    },
  })
  await server.ready()
  ;(server.node!.server as Server).on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  project.provide('watchedUrl', `${server.url!}hive/`)
  return () => server.close(true)
}

/** The bytes that may be sent. */
class Allowance {
  #bytes = Infinity
  #wake: (() => void)[] = []

  set(bytes: number): void {
    this.#bytes = bytes
    for (const wake of this.#wake.splice(0)) wake()
  }

  add(bytes: number): void {
    this.set(this.#bytes + bytes)
  }

  /** Waits until some bytes may be sent, and returns how many: at most `bytes`. */
  async take(bytes: number): Promise<number> {
    while (this.#bytes === 0) {
      await new Promise<void>((resolve) => {
        this.#wake.push(resolve)
      })
    }
    if (this.#bytes === Infinity) return bytes
    const taken = Math.min(bytes, this.#bytes, PIECE_BYTES)
    this.#bytes -= taken
    return taken
  }
}
