import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { concatBytes } from '../../src/bytes/byte-order.ts'
import { writeCopyCommand } from '../../src/rsync/delta-commands.ts'
import { MAX_COMMAND_BYTES } from '../../src/rsync/wire-format.ts'
import { comb, COMB_MAIN, type CombOptions, temporaryDirectory } from '../support/comb.ts'
import { difference, hex } from '../support/jobs.ts'
import { assemble } from '../support/pieces.ts'
import { randomBytes } from '../support/streams.ts'
import { BUFFER_SIZES, inParallel, runBoth, runIn } from './cli-rdiff-runs.ts'

const FORMATS = [[], ['-Hmd4'], ['-R', 'rollsum'], ['--hash=md4', '--rollsum', 'rollsum']]

/** Returns small files for buffer sizes where every byte is a system call, otherwise files larger than every buffer. */
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

  test('with copies of ranges that overlap, begin where the one before did, or are larger than every buffer', async () => {
    const basis = randomBytes(700_000, 1)
    const ranges: [position: number, length: number][] = [
      [0, 2_000],
      [0, 2_000],
      [500, 400],
      [1_900, 200],
      [1_999, 1],
      [2_000, 100],
      [100, 600_000],
      [300_000, 5],
      [599_000, 2_000],
      [0, 700_000],
      [699_999, 1],
      // The ranges alternate, so the cached bytes of one must not be replaced before they are written.
      ...Array.from({ length: 3 }, (): [number, number] => [0, 5_000]),
      ...Array.from({ length: 3 }, (): [number, number] => [50_000, 6_000]),
      ...Array.from({ length: 60 }, (): [number, number] => [1_000, 20_000]),
      ...Array.from({ length: 3 }, (): [number, number] => [90_000, 300_000]),
    ]
    const commands = ranges.map(([position, length]) => {
      const command = new Uint8Array(MAX_COMMAND_BYTES)
      return command.subarray(0, writeCopyCommand(command, position, length))
    })
    const delta = concatBytes(hex('72730236'), ...commands, hex('00'))
    const { theirs, ours } = await runBoth(['patch', 'basis', 'delta', 'out'], { files: { basis, delta } })
    const pieces = ranges.map(([position, length]) => ({ from: position, to: position + length }))
    expect(difference(result(ours), assemble(pieces, basis))).toBeUndefined()
    expect(difference(result(theirs), result(ours))).toBeUndefined()
  })

  function result({ code, stdout, stderr, files }: Awaited<ReturnType<typeof runIn>>): Buffer {
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const { out = stdout } = files
    if (out === '/') throw new TypeError('out is a directory')
    return out
  }
})

/** Returns the number of read or write calls of the shell and of the command that it ran. */
async function calls(kind: 'syscr' | 'syscw', args: readonly string[], options: CombOptions): Promise<number> {
  const script = '"$@" && cat /proc/$$/io >&2'
  const command = ['sh', '-c', script, 'sh', process.execPath, COMB_MAIN] as const
  // Otherwise the count would depend on whether Node's compile cache is filled.
  const env = { NODE_DISABLE_COMPILE_CACHE: '1' }
  const { stderr } = await comb(args, { ...options, command, env })
  return Number(new RegExp(`^${kind}: (\\d+)$`, 'm').exec(stderr)?.[1])
}

describe('buffers', () => {
  test.runIf(process.platform === 'linux')(
    '-O is the most that is written at a time, as counted by the system',
    async () => {
      const input = randomBytes(10_000)
      const writes = (...options: string[]): Promise<number> =>
        calls('syscw', ['rdiff', ...options, '-S32', '-b256', 'signature'], { input })
      // The signature has 1,452 bytes.
      expect((await writes('-O2')) - (await writes())).toBeGreaterThan(700)
    },
  )

  test.runIf(process.platform === 'linux')(
    '-I is the most that is read at a time, as counted by the system',
    async () => {
      const cwd = temporaryDirectory()
      writeFileSync(join(cwd, 'file'), randomBytes(10_000))
      const reads = (...options: string[]): Promise<number> =>
        calls('syscr', ['rdiff', ...options, 'signature', 'file'], { cwd, input: '' })
      expect((await reads('-I10')) - (await reads())).toBeGreaterThan(950)
    },
  )
})
