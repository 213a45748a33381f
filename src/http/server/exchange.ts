import { byteStream } from '../../bytes/byte-stream.ts'
import type { ChunkReader } from '../../bytes/chunk-reader.ts'

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

/** Follows one exchange: counts its bytes, and hears of what went wrong. */
export class Exchange {
  operation: Operation | undefined
  alias: string | undefined
  #status = 0
  #received = 0
  #sent = 0
  /** Takes failures that the status of the answer does not tell. */
  readonly report: (error: unknown) => void
  #onTransfer: ((transfer: Transfer) => void) | undefined

  constructor(onTransfer: ((transfer: Transfer) => void) | undefined, report: (error: unknown) => void) {
    this.#onTransfer = onTransfer
    this.report = report
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
   * Passes a body on and counts it: its first chunk, and then the rest. The exchange ends with it, however it ends. `end`
   * frees what stands behind the body, and gets the error if there is one.
   */
  endAfter(
    status: number,
    body: { readonly first: Uint8Array<ArrayBuffer> | undefined; readonly rest: ChunkReader },
    end: (error?: unknown) => void,
  ): ReadableStream<Uint8Array<ArrayBuffer>> {
    this.#status = status
    const { rest } = body
    let { first } = body
    const finish = (error?: unknown): void => {
      end(error)
      this.#end()
    }
    return byteStream({
      next: async () => {
        try {
          const chunk = first ?? (await rest.read())
          first = undefined
          if (chunk) this.#sent += chunk.byteLength
          else finish()
          return chunk as Uint8Array<ArrayBuffer> | undefined
        } catch (error) {
          finish(error)
          throw error
        }
      },
      cancel: (reason) => {
        const cancelled = rest.cancel(reason)
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
