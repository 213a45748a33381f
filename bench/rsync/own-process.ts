import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Competitor, Measurement } from './competitor.ts'
import type { OwnJob } from './own-job.ts'
import type { Order } from './own-worker.ts'

/**
 * combstream in a process of its own, which lives through all runs of one row. Its peak memory is therefore that of the
 * row, and its start is not measured.
 */
export class OwnProcess implements Competitor {
  readonly #child: ChildProcess
  readonly #order: Order

  /**
   * Starts the process from the bundle of `own-worker.ts`. The results of its runs go to the file `to`, or are
   * discarded if it is undefined.
   */
  constructor(worker: string, job: OwnJob, to?: string) {
    this.#order = to === undefined ? {} : { to }
    this.#child = fork(worker, [JSON.stringify(job)])
  }

  run(): Promise<Measurement> {
    return this.#send(this.#order)
  }

  /** Does the work and writes the result to a file. This also warms up the engine. */
  async write(to: string): Promise<void> {
    await this.#send({ to })
  }

  async close(): Promise<void> {
    const child = this.#child
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill()
    await exited
  }

  #send(order: Order): Promise<Measurement> {
    const child = this.#child
    return new Promise((resolve, reject) => {
      const onExit = (): void => reject(new Error('the process failed, see above'))
      if (child.exitCode !== null) return onExit()
      child.once('exit', onExit)
      child.once('message', (measurement: Measurement) => {
        child.removeListener('exit', onExit)
        resolve(measurement)
      })
      child.send(order)
    })
  }
}
