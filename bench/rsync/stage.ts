import type { Codec } from 'combstream'

/** Size of the chunks that a stage passes on. */
export const STAGE_BYTES = 256 * 1024

/** A job that passes its output on in chunks owned by the receiver, as a stream does. */
export class Stage {
  readonly #job: Codec
  readonly #pass: (chunk: Uint8Array) => void
  readonly #serve: () => void
  #output: Uint8Array = new Uint8Array(STAGE_BYTES)
  #outputLength = 0

  constructor(job: Codec, pass: (chunk: Uint8Array) => void, serve: () => void = () => {}) {
    this.#job = job
    this.#pass = pass
    this.#serve = serve
  }

  write(input: Uint8Array): void {
    for (let read = 0; ;) {
      const step = this.#job.iterate(input.subarray(read), this.#output.subarray(this.#outputLength))
      read += step.read
      this.#outputLength += step.written
      if (step.state === 'waiting') this.#serve()
      else if (this.#outputLength === this.#output.byteLength) this.#flush()
      else if (read === input.byteLength || step.state === 'done') return
    }
  }

  end(): void {
    this.#job.end()
    this.write(new Uint8Array(0))
    this.#flush()
  }

  #flush(): void {
    this.#pass(this.#output.subarray(0, this.#outputLength))
    this.#output = new Uint8Array(STAGE_BYTES)
    this.#outputLength = 0
  }
}
