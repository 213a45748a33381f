import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { benchAgainstRdiff, type RdiffBenchOptions } from './against-rdiff.ts'
import { benchCommand } from './command-against-rdiff.ts'
import { makeCorpora } from './corpora.ts'
import { benchInRuntime, type Runtime } from './in-runtime.ts'

/** Options of the rsync bench, from its command line. */
export interface RsyncBenchOptions {
  /** Size of an old version in MiB. 256 against rdiff and 64 in a runtime by default. */
  readonly mib: number | undefined
  /** Number of runs of each competitor. */
  readonly rounds: number
  /** Only rows that contain this text. */
  readonly only: string
  /** Directory where the pairs are kept, and reused if they exist. A temporary directory if undefined. */
  readonly corpora: string | undefined
  /**
   * Runtimes in which to measure against the plain TypeScript path. If empty, the bench measures against rdiff, in
   * Node.
   */
  readonly runtimes: readonly Runtime[]
}

const NODE_MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url))

/** Creates the pairs and prints the table of the command, as whole processes. Returns whether every row could be measured. */
export function benchRdiff(options: Omit<RsyncBenchOptions, 'runtimes'>): Promise<boolean> {
  return withPairs(options, options.mib ?? 256, benchCommand)
}

/** Creates the pairs and prints a table for each runtime. Returns whether every row could be measured. */
export function benchRsync({ runtimes, ...options }: RsyncBenchOptions): Promise<boolean> {
  return withPairs(options, options.mib ?? (runtimes.length > 0 ? 64 : 256), async (setting) => {
    if (runtimes.length === 0) return await benchAgainstRdiff(setting)
    let complete = true
    for (const runtime of runtimes) complete = (await benchInRuntime(runtime, setting)) && complete
    return complete
  })
}

async function withPairs(
  { corpora, rounds, only }: Pick<RsyncBenchOptions, 'corpora' | 'rounds' | 'only'>,
  mib: number,
  run: (options: RdiffBenchOptions) => Promise<boolean>,
): Promise<boolean> {
  const byteLength = mib * 2 ** 20
  const directory = await mkdtemp(join(tmpdir(), 'combstream-bench-'))
  try {
    const pairs = await makeCorpora(join(corpora ?? directory, `${mib}-mib`), NODE_MODULES, byteLength)
    return await run({ directory, corpora: pairs, byteLength, rounds, only })
  } finally {
    await rm(directory, { recursive: true })
  }
}
