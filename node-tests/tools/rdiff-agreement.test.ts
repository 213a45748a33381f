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
import { CHUNK_SIZES, chunked } from '../support/streams.ts'
import { type Pair, rdiffPairs } from './rdiff-pairs.ts'

/** What literals are cut at by rdiff 2.3.2, that of Debian 12; later ones cut at our default. */
const LITERAL_LIMIT = 32_768
/** The most calls of a job that one chunking of a pair may take. */
const MAX_CALLS = 50_000

const kernel = await loadKernel()
const pairs = rdiffPairs()

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'combstream-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function rdiff(...options: string[]): Promise<void> {
  await promisify(execFile)('rdiff', ['-f', ...options], { cwd: folder })
}

describe('rdiff agrees', () => {
  it('on more than 200 pairs', () => {
    expect(pairs.length).toBeGreaterThan(200)
  })

  it.each(pairs.map((pair, i) => ({ ...pair, i })))('on $name', async ({ i, ...pair }) => {
    const { basis, edited } = pair
    const theirs = await runRdiff(pair, i)
    const options = {
      blockLength: pair.blockLength,
      strongLength: pair.strongLength,
      sourceLength: basis.byteLength,
      sum: pair.sum,
    }
    for (const size of chunkSizes(basis.byteLength + edited.byteLength, i)) {
      const cut = { inputBytes: size, outputBytes: Math.min(size, 64 * 1024) }
      const signature = runJob(new SignatureJob(kernel, options), basis, cut)
      expect(difference(signature, theirs.signature), `signature, ${size} bytes at a time`).toBeUndefined()

      const loaded = signatureOf(signature, size)
      const delta = runJob(new DeltaJob(loaded, kernel, { literalLimit: LITERAL_LIMIT }), edited, cut)
      // For an empty basis rdiff writes a literal for each of its buffers: not one of our business.
      if (basis.byteLength > 0 || edited.byteLength === 0) {
        expect(difference(delta, theirs.delta), `delta, ${size} bytes at a time`).toBeUndefined()
      }
      for (const each of [delta, theirs.delta]) {
        const patched = runJob(new PatchJob(basis.byteLength), each, { ...cut, basis })
        expect(difference(patched, edited), `patched, ${size} bytes at a time`).toBeUndefined()
      }
    }
  })

  it('on what our streams make of the pairs, in chunks of every size', async () => {
    for (const [i, pair] of pairs.entries()) {
      if (i % 7 !== 0 && pair.basis.byteLength < 1_000_000) continue
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

      await writeFile(join(folder, 'basis'), basis)
      await writeFile(join(folder, 'delta'), delta)
      await rdiff('patch', 'basis', 'delta', 'patched')
      expect(difference(await readFile(join(folder, 'patched')), edited), pair.name).toBeUndefined()
    }
  })
})

/** All chunk sizes for small pairs, a different one for each large pair. */
function chunkSizes(byteLength: number, i: number): number[] {
  if (byteLength <= 12_000) return CHUNK_SIZES
  const sizes = CHUNK_SIZES.filter((size) => byteLength / size < MAX_CALLS)
  return [sizes[i % sizes.length]!]
}

/** rdiff's signature and delta of a pair. */
async function runRdiff(pair: Pair, i: number): Promise<{ signature: Uint8Array; delta: Uint8Array }> {
  const [basis, edited, signature, delta] = ['basis', 'edited', 'signature', 'delta'].map((name) => `${i}-${name}`) as [
    string,
    string,
    string,
    string,
  ]
  await writeFile(join(folder, basis), pair.basis)
  await writeFile(join(folder, edited), pair.edited)
  const options = []
  if (pair.blockLength !== undefined) options.push('-b', String(pair.blockLength))
  if (pair.strongLength !== undefined) options.push('-S', String(pair.strongLength === 'min' ? -1 : pair.strongLength))
  if (pair.sum?.startsWith('rollsum')) options.push('-R', 'rollsum')
  if (pair.sum?.endsWith('md4')) options.push('-H', 'md4')
  await rdiff(...options, 'signature', basis, signature)
  await rdiff('delta', signature, edited, delta)
  return {
    signature: await readFile(join(folder, signature)),
    delta: await readFile(join(folder, delta)),
  }
}
