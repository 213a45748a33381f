import { MAGIC_RABINKARP_BLAKE2B, MAGIC_RABINKARP_MD4 } from '../../src/rsync/wire-format.ts'
import { createBLAKE2b, createMD4, type IHasher } from 'hash-wasm'
import {
  bytesSource,
  DeltaStream,
  loadSignature,
  PatchStream,
  type Signature,
  SignatureStream,
  type SumName,
} from 'combstream'
import { drain } from '../drain.ts'
import { median } from '../median.ts'
import { plainDelta } from '../plain/delta.ts'
import { encodeSignature, plainSign } from '../plain/sign.ts'
import { bareChain, barePatch } from './bare-jobs.ts'
import { chain } from './chain.ts'
import type { CorpusName } from './corpora.ts'
import type { Operation } from './targets.ts'

/** A pair loaded into memory. */
export interface LoadedCorpus {
  /** Name of the pair. */
  readonly name: CorpusName
  /** The old version. */
  readonly basis: Uint8Array
  /** The new version. */
  readonly edited: Uint8Array
}

/** A row, as sent from the runtime to the table. */
export interface PlainRow {
  /** The operation measured. */
  readonly operation: Operation
  /** The pair it was measured on. */
  readonly corpus: CorpusName
  /** Median time of a run of combstream, in milliseconds. */
  readonly ourMs: number
  /** Median time of a run of the plain path, in milliseconds; of the jobs without streams for a patch or a chain. */
  readonly plainMs: number
  /** Sizes of the results in bytes. */
  readonly sizes: readonly [ours: number, plain: number]
}

type Take = (chunk: Uint8Array) => void
type Work = (take: Take) => Promise<void> | void

interface Contest {
  readonly operation: Operation
  /** Whether the results must be identical. */
  readonly exact: boolean
  readonly ours: Work
  readonly plain: Work
}

/** What to measure on a pair. */
export interface PlainBenchOptions {
  /** Number of runs of each side. */
  readonly rounds: number
  /** Only rows whose operation and pair contain this text. */
  readonly only: string
  /** Receives a row. */
  onRow(row: PlainRow): Promise<void>
  /** Receives the reason why a row could not be measured. */
  onFailure(message: string): Promise<void>
}

/**
 * Measures combstream against the plain TypeScript path on one pair, in any runtime. Both work on bytes in memory, and
 * alternate: combstream in streams, the plain path in one loop over everything.
 */
export async function benchAgainstPlain(corpus: LoadedCorpus, options: PlainBenchOptions): Promise<void> {
  for (const contest of await contestsOf(corpus)) {
    const name = `${contest.operation} ${corpus.name}`
    if (!name.includes(options.only)) continue
    try {
      await options.onRow({ ...(await runContest(contest, options.rounds)), corpus: corpus.name })
    } catch (error) {
      await options.onFailure(`${name}: ${String(error)}`)
    }
  }
}

async function runContest(
  { operation, exact, ours, plain }: Contest,
  rounds: number,
): Promise<Omit<PlainRow, 'corpus'>> {
  const [result, expected] = [await collect(ours), await collect(plain)]
  if (exact && !equal(result, expected)) throw new Error('the results differ')
  const times: [number[], number[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    times[0].push(await timed(() => ours(forget)))
    times[1].push(await timed(() => plain(forget)))
  }
  const sizes = [result.byteLength, expected.byteLength] as const
  return { operation, ourMs: median(times[0]), plainMs: median(times[1]), sizes }
}

async function contestsOf({ name, basis, edited }: LoadedCorpus): Promise<Contest[]> {
  const blake2b = await createBLAKE2b(256)
  const signatureBytes = await collect((take) => drain(sign(basis, 'rabinkarp-blake2b'), take))
  const load = (): Promise<Signature> => loadSignature(bytesSource(signatureBytes).stream())
  const { blockLength } = await load()
  const plainSignature = plainSign(basis, blockLength, blake2b)
  const deltaBytes = await collect((take) => plainDelta(plainSignature, edited, blake2b, take))

  const signature = (operation: Operation, sum: SumName, magic: number, hash: IHasher): Contest => ({
    operation,
    exact: true,
    ours: (take) => drain(sign(basis, sum), take),
    plain: (take) => take(encodeSignature(plainSign(basis, blockLength, hash), magic)),
  })
  const delta = (mode: 'compat' | 'compact'): Contest => ({
    operation: `delta ${mode}`,
    exact: mode === 'compat',
    ours: async (take) => {
      await drain(stream(edited, new DeltaStream(await load(), { mode })), take)
    },
    plain: (take) => plainDelta(plainSignature, edited, blake2b, take),
  })
  const patch: Contest = {
    operation: 'patch',
    exact: true,
    ours: (take) => drain(stream(deltaBytes, new PatchStream(bytesSource(basis))), take),
    plain: (take) => barePatch(basis, deltaBytes, take),
  }
  const stages: Contest = {
    operation: 'chain',
    exact: true,
    ours: async (take) => chain({ signature: await load(), basis, edited }, take),
    plain: async (take) => bareChain({ signature: await load(), basis, edited }, take),
  }
  const signatures = [
    signature('signature BLAKE2b', 'rabinkarp-blake2b', MAGIC_RABINKARP_BLAKE2B, blake2b),
    signature('signature MD4', 'rabinkarp-md4', MAGIC_RABINKARP_MD4, await createMD4()),
  ]
  return [
    ...(name === 'tar' ? signatures : []),
    delta('compat'),
    delta('compact'),
    patch,
    ...(name === 'insert' || name === 'different' ? [stages] : []),
  ]
}

function sign(basis: Uint8Array, sum: SumName): ReadableStream<Uint8Array> {
  return stream(basis, new SignatureStream({ sourceLength: basis.byteLength, sum }))
}

function stream(
  bytes: Uint8Array,
  stage: { readable: ReadableStream<Uint8Array>; writable: WritableStream<Uint8Array> },
): ReadableStream<Uint8Array> {
  return bytesSource(bytes).stream().pipeThrough(stage)
}

function forget(): void {}

async function timed(work: () => Promise<void> | void): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

async function collect(work: Work): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  await work((chunk) => chunks.push(chunk.slice()))
  return new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer())
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && a.every((byte, i) => byte === b[i])
}
