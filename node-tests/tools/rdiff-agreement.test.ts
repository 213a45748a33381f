import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { collect } from '../../src/bytes/collect.ts'
import { DeltaJob, DeltaStream, loadSignature, loadKernel, PatchJob } from '../../src/rsync.ts'
import { PatchStream, SignatureJob, SignatureStream } from '../../src/rsync.ts'
import { difference, runJob, signatureOf } from '../support/jobs.ts'
import { wholeOr } from '../support/sample.ts'
import { CHUNK_SIZES, chunked } from '../support/streams.ts'
import { type Pair, rdiffPairs } from './rdiff-pairs.ts'

/** The literal limit of rdiff 2.3.2, the version in Debian 12. Later versions use the same limit as our default. */
const LITERAL_LIMIT = 32_768
/** Maximum number of calls to a job for one chunking of a pair. */
const MAX_CALLS = 50_000

/** Streams compute one of so many small pairs. They use the jobs, which compute all of them. */
const STREAMED_OF = wholeOr(7, 21)

const kernel = await loadKernel()
const pairs = rdiffPairs()

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'combstream-'))
  for (const [i, { basis, edited }] of pairs.entries()) {
    await writeFile(join(folder, `${i}-basis`), basis)
    await writeFile(join(folder, `${i}-edited`), edited)
  }
  await rdiff(
    pairs.flatMap((pair, i) => [
      [...rdiffOptions(pair), 'signature', `${i}-basis`, `${i}-signature`],
      ['delta', `${i}-signature`, `${i}-edited`, `${i}-delta`],
    ]),
  )
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Runs rdiff once for each line, in a single shell. Starting a thousand processes from Node takes twice as long. */
async function rdiff(lines: readonly (readonly string[])[]): Promise<void> {
  const script = lines.map((line) => `rdiff -f ${line.join(' ')}\n`).join('')
  await writeFile(join(folder, 'script'), script)
  await promisify(execFile)('sh', ['-e', 'script'], { cwd: folder })
}

function rdiffOptions({ blockLength, strongLength, sum }: Pair): string[] {
  const options: string[] = []
  if (blockLength !== undefined) options.push('-b', String(blockLength))
  if (strongLength !== undefined) options.push('-S', String(strongLength === 'min' ? -1 : strongLength))
  if (sum?.startsWith('rollsum')) options.push('-R', 'rollsum')
  if (sum?.endsWith('md4')) options.push('-H', 'md4')
  return options
}

describe('rdiff agrees', () => {
  it('on more than 200 pairs', () => {
    expect(pairs.length).toBeGreaterThan(200)
  })

  it.each(pairs.map((pair, i) => ({ ...pair, i })))('on $name', async ({ i, ...pair }) => {
    const { basis, edited } = pair
    const theirs = {
      signature: await readFile(join(folder, `${i}-signature`)),
      delta: await readFile(join(folder, `${i}-delta`)),
    }
    const options = {
      blockLength: pair.blockLength,
      strongLength: pair.strongLength,
      sourceLength: basis.byteLength,
      sum: pair.sum,
    }
    const sizes = chunkSizes(basis.byteLength + edited.byteLength, i)
    // A sixth of those of a small pair, so that each size meets a sixth of the small pairs.
    const some = wholeOr(sizes, sizes.length > 1 ? sizes.filter((_, index) => index % 6 === i % 6) : sizes)
    for (const size of some) {
      const cut = { inputBytes: size, outputBytes: Math.min(size, 64 * 1024) }
      const signature = runJob(new SignatureJob(kernel, options), basis, cut)
      expect(difference(signature, theirs.signature), `signature, ${size} bytes at a time`).toBeUndefined()

      const loaded = signatureOf(signature, size)
      const delta = runJob(new DeltaJob(loaded, kernel, { literalLimit: LITERAL_LIMIT }), edited, cut)
      // For an empty basis, rdiff's literals depend on its buffer sizes, which we do not imitate.
      if (basis.byteLength > 0 || edited.byteLength === 0) {
        expect(difference(delta, theirs.delta), `delta, ${size} bytes at a time`).toBeUndefined()
      }
      for (const each of [delta, theirs.delta]) {
        const patched = runJob(new PatchJob(basis.byteLength), each, { ...cut, basis })
        expect(difference(patched, edited), `patched, ${size} bytes at a time`).toBeUndefined()
      }
    }
  })

  it('on the output of our streams for the pairs, in chunks of every size', async () => {
    const checked: number[] = []
    for (const [i, pair] of pairs.entries()) {
      if (i % STREAMED_OF !== 0 && pair.basis.byteLength < 1_000_000) continue
      const { basis, edited } = pair
      const sizes = chunkSizes(basis.byteLength + edited.byteLength, i)
      const size = sizes[i % sizes.length]!
      const { blockLength, strongLength, sum } = pair
      const options = { blockLength, strongLength, sum, sourceLength: basis.byteLength }
      const signature = await collect(chunked(basis, size).pipeThrough(new SignatureStream(options)))
      const delta = await collect(
        chunked(edited, size).pipeThrough(new DeltaStream(await loadSignature(chunked(signature, size)))),
      )
      const patched = chunked(delta, size).pipeThrough(new PatchStream(new Blob([basis])))
      expect(difference(await collect(patched), edited), pair.name).toBeUndefined()

      await writeFile(join(folder, `${i}-ours`), delta)
      checked.push(i)
    }
    await rdiff(checked.map((i) => ['patch', `${i}-basis`, `${i}-ours`, `${i}-patched`]))
    for (const i of checked) {
      const patched = await readFile(join(folder, `${i}-patched`))
      expect(difference(patched, pairs[i]!.edited), pairs[i]!.name).toBeUndefined()
    }
  })
})

/** All chunk sizes for small pairs, and a different single one for each large pair. */
function chunkSizes(byteLength: number, i: number): number[] {
  if (byteLength <= 12_000) return CHUNK_SIZES
  const sizes = CHUNK_SIZES.filter((size) => byteLength / size < MAX_CALLS)
  return [sizes[i % sizes.length]!]
}
