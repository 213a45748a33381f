import { byteStream } from '../bytes/byte-stream.ts'
import { ChunkReader } from '../bytes/chunk-reader.ts'

/** What a request asked for. */
export type Operation = 'read' | 'head' | 'signature' | 'list' | 'put' | 'patch' | 'remove' | 'options'

/** One exchange with a client, after it has ended: completed, refused, failed, or given up by the client. */
export interface Transfer {
  /** What the request asked for; undefined if it was refused before that was known. */
  readonly operation: Operation | undefined
  /** Name of the entry, where there is one. */
  readonly alias: string | undefined
  /** Status code of the answer. */
  readonly status: number
  /** Bytes of the request's body, as many as were read. */
  readonly received: number
  /** Bytes of the answer's body, as many as were handed to the server; of an answer that `authorize` gave, 0. */
  readonly sent: number
}

/** Counts the bytes of one exchange. */
export class Exchange {
  operation: Operation | undefined
  alias: string | undefined
  #status = 0
  #received = 0
  #sent = 0
  #onTransfer: ((transfer: Transfer) => void) | undefined

  constructor(onTransfer: ((transfer: Transfer) => void) | undefined) {
    this.#onTransfer = onTransfer
  }

  /** Counts bytes of the request's body. */
  received(byteLength: number): number {
    this.#received += byteLength
    return this.#received
  }

  /** Ends an exchange whose answer has all its bytes at once. */
  endWith(status: number, byteLength: number): void {
    this.#status = status
    this.#sent = byteLength
    this.#end()
  }

  /**
   * Passes a body on and counts it; the exchange ends with it, however it ends. `end` frees what stands behind the
   * body, and gets the error if there is one.
   */
  endAfter(
    status: number,
    body: ReadableStream<Uint8Array<ArrayBuffer>>,
    end: (error?: unknown) => void,
  ): ReadableStream<Uint8Array<ArrayBuffer>> {
    this.#status = status
    const chunks = new ChunkReader(body)
    const finish = (error?: unknown): void => {
      end(error)
      this.#end()
    }
    return byteStream({
      next: async () => {
        try {
          const chunk = await chunks.read()
          if (chunk) this.#sent += chunk.byteLength
          else finish()
          return chunk as Uint8Array<ArrayBuffer> | undefined
        } catch (error) {
          finish(error)
          throw error
        }
      },
      cancel: (reason) => {
        const cancelled = chunks.cancel(reason)
        finish()
        return cancelled
      },
    })
  }

  #end(): void {
    const onTransfer = this.#onTransfer
    this.#onTransfer = undefined
    const { operation, alias } = this
    onTransfer?.({ operation, alias, status: this.#status, received: this.#received, sent: this.#sent })
  }
}
