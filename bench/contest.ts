import { median } from './median.ts'

const ROUNDS = 5

/** One row of a bench: the same work, done by combstream and by a peer. */
export interface Contest {
  /** The kind of work. */
  readonly what: string
  /** The peer's name. */
  readonly peerName: string
  /** Does it with combstream. */
  ours(): Promise<void>
  /** Does it with the peer. */
  peer(): Promise<void>
}

/**
 * Prints a table of contests, in wall time. The two sides alternate, so that other load on the machine affects both.
 */
export async function holdContests(name: string, contests: readonly Contest[], byteLength: number): Promise<void> {
  console.log(`\n${name}, ${byteLength / 2 ** 20} MiB, wall time, median of ${ROUNDS} runs\n`)
  console.log('| what | combstream, MB/s | peer, MB/s | ratio | peer |\n|---|---|---|---|---|')
  for (const { what, peerName, ours, peer } of contests) {
    const times: [number[], number[]] = [[], []]
    for (let round = 0; round < ROUNDS; round++) {
      times[0].push(await timed(ours))
      times[1].push(await timed(peer))
    }
    const [oursMs, peerMs] = [median(times[0]), median(times[1])]
    const speed = (ms: number): string => (byteLength / 1_000 / ms).toFixed(0)
    console.log(`| ${what} | ${speed(oursMs)} | ${speed(peerMs)} | ${(peerMs / oursMs).toFixed(2)} | ${peerName} |`)
  }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}
