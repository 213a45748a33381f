import { copyBytes } from '../../bytes/byte-order.ts'
import { byteStream } from '../../bytes/byte-stream.ts'
import type { BodyReader } from './body-reader.ts'
import type { Operation, Transfer } from './transfer.ts'

/** What is known of a request while it is being answered; {@linkcode Transfer} is what remains of it. */
export class RequestLog {
  operation: Operation | undefined
  alias: string | undefined
  #status = 0
  #received = 0
  #sent = 0
  /** Takes failures that the status of the answer does not show. */
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

  /** Ends the log of a request whose answer has all its bytes at once. */
  endWith(status: number, byteLength: number): void {
    this.#status = status
    this.#sent = byteLength
    this.#end()
  }

  /**
   * Passes a body on and counts it: its first chunk, and then the rest. The log ends when the body does, however that
   * happens. `end` frees what the body reads from; it gets the error if there is one.
   */
  endAfter(
    status: number,
    body: { readonly first: Uint8Array<ArrayBuffer> | undefined; readonly rest: BodyReader },
    end: (error?: unknown) => void,
  ): ReadableStream<Uint8Array<ArrayBuffer>> {
    this.#status = status
    const { rest } = body
    let { first } = body
    let isFinished = false
    const finish = (error?: unknown): void => {
      // A read that was pending when the body was cancelled ends, too.
      if (isFinished) return
      isFinished = true
      end(error)
      this.#end()
    }
    /** Counts what a read returns, and ends the log with the last one. */
    const counted = async <T extends Uint8Array<ArrayBuffer> | undefined>(read: () => Promise<T>): Promise<T> => {
      try {
        const bytes = await read()
        if (bytes?.byteLength) this.#sent += bytes.byteLength
        else finish()
        return bytes
      } catch (error) {
        finish(error)
        throw error
      }
    }
    const takeFirst = (): Uint8Array<ArrayBuffer> | undefined => {
      const chunk = first
      first = undefined
      return chunk
    }
    return byteStream({
      next: () => counted(async () => takeFirst() ?? (await rest.read())),
      fill: async (buffer) => {
        if (!first && rest.canFill()) return (await counted(() => rest.fill(buffer))) ?? 0
        const piece = await counted(async () => {
          const chunk = takeFirst() ?? (await rest.read())
          if (chunk && chunk.byteLength > buffer.byteLength) first = copyBytes(chunk.subarray(buffer.byteLength))
          return chunk?.subarray(0, buffer.byteLength)
        })
        if (piece) buffer.set(piece)
        return piece?.byteLength ?? 0
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
