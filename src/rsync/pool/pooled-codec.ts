import type { Codec, CodecStep } from '../../bytes/codec-transform.ts'
import { countStep, type JobStatistics, type Mutable } from '../statistics.ts'
import type { PoolCrew } from './pool-crew.ts'

/** What the workers of a pool do for one stream, as a {@linkcode PooledCodec} drives it. */
export interface PooledWork {
  /** Why it cannot go on. */
  readonly failure: { readonly error: unknown } | undefined
  /** Collects input for the workers; returns how much of it. */
  fill(input: Uint8Array): number
  /** Sends the workers what is collected, if it is enough and they can use it; returns whether it did. */
  send(isEnded: boolean): boolean
  /** Writes what the workers have given; returns how much. */
  drain(output: Uint8Array): number
  /** Whether all is done, when everything that has come is written. */
  isDone(isEnded: boolean): boolean
  /** Drops what the workers still do. */
  drop(): void
}

/** A codec whose work is done by a pool. */
export class PooledCodec<Statistics extends JobStatistics> implements Codec {
  /** What has been counted so far; the same object at all times. */
  readonly statistics: Statistics
  readonly #counts: Mutable<Statistics>
  readonly #crew: PoolCrew
  readonly #work: PooledWork
  #ended = false
  #isReleased = false
  /** What {@linkcode serve} waits for. */
  #change: Promise<void> | undefined

  /** Drives `work`, which the workers of `crew` do. */
  constructor(crew: PoolCrew, work: PooledWork, statistics: Mutable<Statistics>) {
    this.#crew = crew
    this.#work = work
    this.#counts = statistics
    this.statistics = statistics
  }

  /** Takes from `input` and fills `output` as far as it can. */
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

  /** Says that the input ends after what has been given. */
  end(): void {
    this.#ended = true
  }

  /** Waits until it may be worth while to go on. */
  async serve(): Promise<void> {
    await this.#change
  }

  /** Drops what the workers still do. */
  release(): void {
    this.#isReleased = true
    this.#work.drop()
    this.#crew.announce()
  }
}
