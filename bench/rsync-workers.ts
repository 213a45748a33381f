import { bytesSource } from 'combstream'
import { createThread } from 'combstream/platform'
import { DeltaStream, loadSignature, makeSignature, SignatureStream, WorkerPool } from 'combstream/rsync'
import { type Contest, timed } from './contest.ts'
import { drain } from './drain.ts'
import { noise } from './noise.ts'

const BLOCK_LENGTH = 16 * 1024
const PEER = 'the same streams without a pool'

/**
 * Signatures and deltas in threads, compared with the calling thread alone. Threads can win only if processors are
 * idle.
 */
export async function benchWorkers(byteLength: number): Promise<{ contests: Contest[]; close(): Promise<void> }> {
  const bytes = noise(byteLength, 1)
  const source = bytesSource(bytes)
  // A quarter of it matches.
  const basis = await makeSignature(bytes.subarray(0, byteLength / 4), { blockLength: BLOCK_LENGTH })
  const signature = await loadSignature(bytesSource(basis).stream())
  const pools: WorkerPool[] = []

  function contest(what: string, size: number, run: (pool: WorkerPool | undefined) => Promise<unknown>): Contest {
    const pool = new WorkerPool(createThread, { size })
    pools.push(pool)
    return {
      what: `${what}, workers: ${size}`,
      peerName: PEER,
      amount: byteLength / 1e6,
      unit: 'MB',
      ours: () => timed(() => run(pool)),
      peer: () => timed(() => run(undefined)),
    }
  }
  const sign = (pool: WorkerPool | undefined): Promise<void> =>
    drain(source.stream().pipeThrough(new SignatureStream({ blockLength: BLOCK_LENGTH, pool })))
  const compare = (pool: WorkerPool | undefined): Promise<void> =>
    drain(source.stream().pipeThrough(new DeltaStream(signature, { pool })))

  return {
    contests: [
      contest('signature', 1, sign),
      contest('signature', 2, sign),
      contest('delta', 1, compare),
      contest('two deltas at once', 2, (pool) => Promise.all([compare(pool), compare(pool)])),
    ],
    async close() {
      await Promise.all(pools.map((pool) => pool.close()))
    },
  }
}
