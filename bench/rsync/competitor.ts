/** The cost of one run. */
export interface Measurement {
  /** CPU time of all threads, user and system, in milliseconds. */
  readonly cpuMs: number
  /** Wall time in milliseconds. */
  readonly wallMs: number
  /** Peak resident memory of the process so far, in bytes. */
  readonly peakBytes: number
}

/** One side of a row. */
export interface Competitor {
  /** Does the work once and discards the result. */
  run(): Promise<Measurement>
  /** Releases what is kept between runs. */
  close(): Promise<void>
}

/** Rounds that do not count: during the first ones, an engine recompiles code in the background and sizes its heap. */
const WARM_UP_ROUNDS = 2

/**
 * Runs all competitors in turn, so that other load on the machine affects them all. Returns the measurements of each.
 */
export async function inTurns(competitors: readonly Competitor[], rounds: number): Promise<Measurement[][]> {
  const runs: Measurement[][] = competitors.map(() => [])
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    for (const [i, competitor] of competitors.entries()) {
      const measurement = await competitor.run()
      if (round >= 0) runs[i]!.push(measurement)
    }
  }
  return runs
}
