// Measures against named peers, side by side in one run: npm run bench -- [store] [rsync] [--mb 256].
// Only the ratios mean something: a machine's absolute figures differ from run to run.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { benchRsync } from './rsync.ts'
import { benchStore } from './store.ts'
import type { Contest } from './contest.ts'

const BENCHES: Record<string, (directory: string, byteLength: number) => Promise<Contest[]>> = {
  store: benchStore,
  rsync: benchRsync,
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { mb: { type: 'string', default: '256' } },
})
const byteLength = Number(values.mb) * 1_000_000
if (!Number.isSafeInteger(byteLength) || byteLength <= 0)
  throw new RangeError(`--mb must be a number, got ${values.mb}`)
const names = positionals.length > 0 ? positionals : Object.keys(BENCHES)

for (const name of names) {
  const bench = BENCHES[name]
  if (!bench) throw new RangeError(`there is no bench ${name}: ${Object.keys(BENCHES).join(', ')}`)
  const directory = await mkdtemp(join(tmpdir(), 'combstream-bench-'))
  try {
    console.log(`\n${name}, ${byteLength} bytes, wall time, median of 5 runs\n`)
    console.log('| what | combstream, MB/s | peer, MB/s | ratio | peer |\n|---|---|---|---|---|')
    for (const { what, peerName, ours, peer } of await bench(directory, byteLength)) {
      const [oursMs, peerMs] = await medians(ours, peer)
      const speed = (ms: number): string => (byteLength / 1_000 / ms).toFixed(0)
      console.log(`| ${what} | ${speed(oursMs)} | ${speed(peerMs)} | ${(peerMs / oursMs).toFixed(2)} | ${peerName} |`)
    }
  } finally {
    await rm(directory, { recursive: true })
  }
}

/** Runs both in turns, so that what else the machine does hits both. */
async function medians(ours: () => Promise<void>, peer: () => Promise<void>): Promise<[number, number]> {
  const times: [number[], number[]] = [[], []]
  for (let round = 0; round < 5; round++) {
    for (const [i, run] of [ours, peer].entries()) {
      const start = performance.now()
      await run()
      times[i]!.push(performance.now() - start)
    }
  }
  const [first, second] = times.map((list) => list.sort((a, b) => a - b)[2]!)
  return [first!, second!]
}
