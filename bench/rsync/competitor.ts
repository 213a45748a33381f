/** What one run took. */
export interface Measurement {
  /** Processor time of all threads, user and system, in milliseconds. */
  readonly cpuMs: number
  /** Time that passed, in milliseconds. */
  readonly wallMs: number
  /** The most memory that the process has had resident so far, in bytes. */
  readonly peakBytes: number
}

/** One who does the work that a row is about. */
export interface Competitor {
  /** Does it once, and forgets the result. */
  run(): Promise<Measurement>
  /** Frees what is kept between runs. */
  close(): Promise<void>
}

/** Rounds that do not count: an engine compiles code again in the background, and sizes its heap, during the first ones. */
const WARM_UP_ROUNDS = 2

/** Has all of them run in turns, so that what else the machine does hits all; returns what each one's runs took. */
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
