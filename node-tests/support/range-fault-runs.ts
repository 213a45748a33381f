import { memoryBackend } from '../../src/backends/memory.ts'
import { equalBytes } from '../../src/bytes/byte-order.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import type { Entry, OpenOptions } from '../../src/hive/hive.ts'
import { createHiveHandler, HttpHive, type HttpHiveOptions, openUrl } from '../../src/http.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { FINAL_FAULTS, FLIP, PASSING_FAULTS, type RangeFault, RangeFaults } from './range-faults.ts'
import { randomBytes } from './streams.ts'

/** What is read through faults: those that pass, also those that end a read, or flipped bits. */
export type RunKind = 'passing' | 'any' | 'flip'

/** How a read ended. */
export interface RunResult {
  readonly seed: number
  readonly kind: RunKind
  /** Whether all bytes were received, or the name of the error. */
  readonly ended: string
  /** What is wrong with it, if anything is. */
  readonly problem?: string
}

const BYTES = randomBytes(60_000)
const NAMED = new Set(['BackendError', 'ConflictError', 'FormatError', 'IntegrityError'])
/** Reads at a time; most of them wait for a timeout. */
const AT_ONCE = 32
/** On a busy machine, answers may count as lost that are not. That costs repeated requests, of which there are enough. */
const STALL_MS = 1000
const RETRIES = 100

/** Reads an entry many times, each time through faults that the seed decides. */
export async function runRangeFaults(kind: RunKind, seeds: readonly number[]): Promise<RunReport> {
  const local = new LocalHive(new StreamStore(memoryBackend(), { blockSize: 6_000 }))
  await bytesSource(BYTES).stream().pipeTo(local.sink('x'))
  const faults = await RangeFaults.listen(createHiveHandler(local), ({ run, start, earlier }) =>
    faultOf(kind, Number(run), start, earlier),
  )
  const results: RunResult[] = []
  const left = seeds.values()
  const work = async (): Promise<void> => {
    for (const seed of left) results.push({ seed, kind, ...(await read(faults.url, kind, seed)) })
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  await faults.close()
  return { results, happened: faults.happened }
}

/** What happened in many reads. */
export interface RunReport {
  readonly results: readonly RunResult[]
  /** How often each fault happened. */
  readonly happened: ReadonlyMap<RangeFault, number>
}

async function read(url: string, kind: RunKind, seed: number): Promise<Omit<RunResult, 'seed' | 'kind'>> {
  const random = randomNumbers(seed)
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!
  const options = {
    headers: { Run: String(seed) },
    stallTimeoutMs: STALL_MS,
    retries: RETRIES,
    parallel: pick([1, 2, 4, 4, 8]),
    readAhead: pick([65_536, 33_554_432]),
    validate: pick(['if-match', 'compare']),
    // Blocks are checked where a part is read, since wrong bytes of a part are not noticed otherwise.
    verify: kind === FLIP ? pick(['whole', true]) : pick([false, 'whole']),
  } satisfies HttpHiveOptions
  const consistency = pick(['conflict', 'conflict', 'snapshot'] as const)
  const asUrl = random() < 0.3
  const part = random() < 0.3 && kind !== FLIP
  const start = part ? Math.floor(random() * BYTES.byteLength) : 0
  const end = part ? start + Math.floor(random() * (BYTES.byteLength - start)) : BYTES.byteLength
  const expected = BYTES.subarray(start, end)
  let offset = 0
  let isExact = true
  try {
    const bufferSize = pick([4_096, 10_000, 16_384, 30_000, undefined])
    const reader = (await open(url, { ...options, bufferSize, consistency }, asUrl)).stream({ start, end }).getReader()
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      isExact &&= equalBytes(next.value, expected.subarray(offset, offset + next.value.byteLength))
      offset += next.value.byteLength
    }
  } catch (error) {
    const { name } = error as Error
    if (!NAMED.has(name)) return { ended: name, problem: String(error) }
    // The bits that are flipped are delivered before the last chunk shows it.
    return isExact || kind === FLIP ? { ended: name } : { ended: name, problem: 'wrong bytes before the error' }
  }
  if (!isExact) return { ended: 'all', problem: 'wrong bytes' }
  return offset === expected.byteLength ? { ended: 'all' } : { ended: 'all', problem: `ended after ${offset} bytes` }
}

/** Opens the entry in its hive, or as a server has it that knows nothing of hives. */
function open(url: string, options: HttpHiveOptions & OpenOptions, asUrl: boolean): Promise<Entry> {
  // Such a server has no digests of blocks.
  const verify = options.verify && 'whole'
  return asUrl ? openUrl(`${url}x`, { ...options, verify }) : new HttpHive(url, options).open('x', options)
}

function faultOf(kind: RunKind, seed: number, start: number, earlier: number): RangeFault | undefined {
  const random = randomNumbers(seed * 1_000_003 + start * 31 + earlier)
  // The fault of a place passes at the third request for it at the latest.
  const isFaulty = random() < 0.3 && earlier < 2
  if (!isFaulty) return undefined
  const kinds = { passing: PASSING_FAULTS, any: [...PASSING_FAULTS, ...FINAL_FAULTS], flip: [FLIP] } as const
  const faults: readonly RangeFault[] = kinds[kind]
  return faults[Math.floor(random() * faults.length)]
}

/** Returns pseudo-random numbers from 0 to 1, always the same ones for the same seed (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
