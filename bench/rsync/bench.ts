import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { benchAgainstRdiff } from './against-rdiff.ts'
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

/** Creates the pairs and prints a table for each runtime. Returns whether every row could be measured. */
export async function benchRsync({ mib, rounds, only, corpora, runtimes }: RsyncBenchOptions): Promise<boolean> {
  const size = mib ?? (runtimes.length > 0 ? 64 : 256)
  const byteLength = size * 2 ** 20
  const temporary = await mkdtemp(join(tmpdir(), 'combstream-bench-'))
  try {
    const pairs = await makeCorpora(join(corpora ?? temporary, `${size}-mib`), NODE_MODULES, byteLength)
    const options = { directory: temporary, corpora: pairs, byteLength, rounds, only }
    if (runtimes.length === 0) return await benchAgainstRdiff(options)
    let complete = true
    for (const runtime of runtimes) complete = (await benchInRuntime(runtime, options)) && complete
    return complete
  } finally {
    await rm(temporary, { recursive: true })
  }
}
