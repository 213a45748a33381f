import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { collect } from '../../src/bytes/collect.ts'
import { openInput } from '../../src/cli/file-input.ts'
import { parseRdiffArguments, type RdiffOptions } from '../../src/cli/rdiff-arguments.ts'
import { openRdiffInput } from '../../src/cli/rdiff-files.ts'
import { inPieces } from '../../src/cli/rdiff-pieces.ts'
import { comb, COMB_MAIN, temporaryDirectory } from '../support/comb.ts'
import { difference } from '../support/jobs.ts'
import { assemble } from '../support/pieces.ts'
import { chunked, randomBytes } from '../support/streams.ts'
import { BUFFER_SIZES, inParallel, runBoth, runIn } from './cli-rdiff-runs.ts'

const FORMATS = [[], ['-Hmd4'], ['-R', 'rollsum'], ['--hash=md4', '--rollsum', 'rollsum']]

/** Small where every byte is a call of the system, else larger than every buffer. */
function pairFor(size: number): { basis: Uint8Array; edited: Uint8Array } {
  const basis = assemble([{ random: size > 0 && size < 100 ? 1_000 : 210_000, seed: size + 1 }])
  const [third, end] = [Math.floor(basis.byteLength / 3), basis.byteLength]
  const edited = assemble([{ from: third }, { random: 300, seed: 2 }, { from: 0, to: third }, { from: end - 9 }], basis)
  return { basis, edited }
}

describe('`comb rdiff` and rdiff understand each other', () => {
  test(
    'with input and output buffers of every size, in every format, with files and with pipes',
    { timeout: 180_000 },
    async () => {
      await inParallel(BUFFER_SIZES.entries(), async ([i, size]) => {
        const format = FORMATS[i % FORMATS.length]!
        const buffers = [`-I${size}`, '-O', `${size}`]
        const what = [...buffers, ...format].join(' ')
        const { basis, edited } = pairFor(size)
        const sign = [...buffers, ...format, '-b', '128', '-S', '8', 'signature']
        const compare = [...buffers, 'delta', 'signature']
        const patch = [...buffers, 'patch', 'basis']
        const pipes = i % 3 === 1

        const signed = pipes
          ? await runBoth(sign, { input: basis })
          : await runBoth([...sign, 'basis', 'out'], { files: { basis } })
        const signature = result(signed.theirs)
        expect(difference(result(signed.ours), signature), `signature ${what}`).toBeUndefined()

        const compared = pipes
          ? await runBoth(compare, { files: { signature }, input: edited })
          : await runBoth([...compare, 'edited', 'out'], { files: { signature, edited } })
        const [theirDelta, ourDelta] = [result(compared.theirs), result(compared.ours)]

        const byUs = pipes
          ? await runIn('comb', patch, { files: { basis }, input: theirDelta })
          : await runIn('comb', [...patch, 'delta', 'out'], { files: { basis, delta: theirDelta } })
        const byThem = await runIn('rdiff', [...patch, 'delta', 'out'], { files: { basis, delta: ourDelta } })
        expect(difference(result(byUs), edited), `our patch ${what}`).toBeUndefined()
        expect(difference(result(byThem), edited), `their patch ${what}`).toBeUndefined()
      })
    },
  )

  function result({ code, stdout, stderr, files }: Awaited<ReturnType<typeof runIn>>): Buffer {
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const { out = stdout } = files
    if (out === '/') throw new TypeError('out is a directory')
    return out
  }
})

describe('buffers', () => {
  test.runIf(process.platform === 'linux')(
    '-O is the most that is written at a time, as the system counts it',
    async () => {
      const input = randomBytes(10_000)
      /** Writes of the shell and of what it has run. */
      const writes = async (...options: string[]): Promise<number> => {
        const script = '"$@" && cat /proc/$$/io >&2'
        const command = ['sh', '-c', script, 'sh', process.execPath, COMB_MAIN] as const
        // Whether Node finds its cache filled would be counted too.
        const env = { NODE_DISABLE_COMPILE_CACHE: '1' }
        const { stderr } = await comb(['rdiff', ...options, '-S32', '-b256', 'signature'], { input, command, env })
        return Number(/^syscw: (\d+)$/m.exec(stderr)?.[1])
      }
      // 1,452 bytes of signature.
      expect((await writes('-O2')) - (await writes())).toBeGreaterThan(700)
    },
  )

  test('-I is how many bytes of a file are read at a time', async () => {
    const file = join(temporaryDirectory(), 'file')
    const bytes = randomBytes(95)
    writeFileSync(file, bytes)
    const { options } = parseRdiffArguments(['-I10', 'signature']) as { options: RdiffOptions }
    const { stream, size } = await openRdiffInput(file, options)
    const [lengths, read] = await chunkLengths(stream)
    expect([size, lengths]).toEqual([95, [...Array.from({ length: 9 }, () => 10), 5]])
    expect(difference(read, bytes)).toBeUndefined()
    // Cut is what is read at once otherwise; here nothing was.
    expect((await chunkLengths((await openInput(file, 10)).stream))[0]).toEqual(lengths)
  })
})

async function chunkLengths(stream: ReadableStream<Uint8Array>): Promise<[lengths: number[], bytes: Uint8Array]> {
  const lengths: number[] = []
  const watch = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      lengths.push(chunk.byteLength)
      controller.enqueue(chunk)
    },
  })
  return [lengths, await collect(stream.pipeThrough(watch))]
}

describe('inPieces', () => {
  test.each([1, 7, 1000])('gives no more than %d bytes at a time', async (size) => {
    const bytes = randomBytes(3_000)
    const [lengths, read] = await chunkLengths(inPieces(chunked(bytes, 1_500), size))
    expect(difference(read, bytes)).toBeUndefined()
    expect(Math.max(...lengths)).toBe(size)
  })

  test('cancels what it reads from', async () => {
    let reason: unknown
    const source = new ReadableStream<Uint8Array>({
      cancel(given) {
        reason = given
      },
    })
    await inPieces(source, 5).cancel('enough')
    expect(reason).toBe('enough')
  })
})
