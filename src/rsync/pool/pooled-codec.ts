import type { Codec, CodecStep } from '../../bytes/codec-transform.ts'
import { countStep, type JobStatistics, type Mutable } from '../statistics.ts'
import type { PoolCrew } from './pool-crew.ts'

/** The work that a pool does for one stream, driven by a {@linkcode PooledCodec}. */
export interface PooledWork {
  /** Set when the work has failed. */
  readonly failure: { readonly error: unknown } | undefined
  /** Collects input for the workers. Returns the number of bytes taken. */
  fill(input: Uint8Array): number
  /** Sends collected input to the workers if there is enough of it and they can use it. Returns whether it did. */
  send(isEnded: boolean): boolean
  /** Writes output received from the workers. Returns the number of bytes written. */
  drain(output: Uint8Array): number
  /** Whether the work is done, provided that all received output has been written. */
  isDone(isEnded: boolean): boolean
  /** Abandons the work still in progress. */
  drop(): void
}

/** A codec whose work is done by a pool. */
export class PooledCodec<Statistics extends JobStatistics> implements Codec {
  /** Live statistics. Always the same object. */
  readonly statistics: Statistics
  readonly #counts: Mutable<Statistics>
  readonly #crew: PoolCrew
  readonly #work: PooledWork
  #ended = false
  #isReleased = false
  /** The change that {@linkcode serve} waits for. */
  #change: Promise<void> | undefined

  /** Drives `work`, which is done by the workers of `crew`. */
  constructor(crew: PoolCrew, work: PooledWork, statistics: Mutable<Statistics>) {
    this.#crew = crew
    this.#work = work
    this.#counts = statistics
    this.statistics = statistics
  }

  /** Consumes `input` and fills `output` as far as it can. */
  iterate(input: Uint8Array, output: Uint8Array): CodecStep {
    const work = this.#work
    const step: Mutable<CodecStep> = { state: 'blocked', read: 0, written: 0 }
    if (this.#isReleased) return step
    this.#change = this.#crew.change
    do {
      step.written += work.drain(output.subarray(step.written))
      step.read += work.fill(input.subarray(step.read))
    } while (!work.failure && work.send(this.#ended))
    if (work.failure) throw work.failure.error
    if (step.written < output.byteLength) {
      if (work.isDone(this.#ended)) step.state = 'done'
      else if (this.#ended || step.read < input.byteLength) step.state = 'waiting'
    }
    countStep(this.#counts, step)
    return step
  }

  /** Marks the end of the input. */
  end(): void {
    this.#ended = true
  }

  /** Waits until progress may be possible. */
  async serve(): Promise<void> {
    await this.#change
  }

  /** Abandons the work still in progress. */
  release(): void {
    this.#isReleased = true
    this.#work.drop()
    this.#crew.notify()
  }
}
