import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { collect } from '../../src/bytes/collect.ts'
import { rangePlan, rebuild } from '../../src/rsync.ts'
import { difference, signatureOf } from '../support/jobs.ts'
import { assemble, type Piece } from '../support/pieces.ts'

const basis = assemble([{ random: 1_000_000, seed: 31 }])

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'combstream-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Edits, and the maximum number of blocks that remain to be fetched after each. */
const edits: [string, Piece[], number][] = [
  ['nothing changed', [{ from: 0 }], 0],
  ['its first half', [{ from: 0, to: 500_000 }], 0],
  ['its second half', [{ from: 500_000 }], 1],
  ['one byte inserted', [{ from: 0, to: 400_000 }, { text: '!' }, { from: 400_000 }], 1],
  ['a line appended', [{ from: 0 }, { text: 'one more line\n' }], 1],
  ['its halves swapped', [{ from: 500_000 }, { from: 0, to: 500_000 }], 2],
  [
    'three copies of a part',
    [
      { from: 0, to: 300_000 },
      { from: 0, to: 300_000 },
      { from: 0, to: 300_000 },
    ],
    2,
  ],
  ['zeros before it', [{ fill: 50_000 }, { from: 0 }], 60],
]

const settings = ['-H blake2', '-H md4 -b 1000', '-R rollsum -b 2048 -S 8', '-R rollsum -H md4 -S -1']

describe.each(settings)('an rdiff signature with %s', (options) => {
  it.each(edits)('of a file with %s determines what to fetch', async (name, pieces, blocks) => {
    const edited = assemble(pieces, basis)
    const file = name.replaceAll(' ', '-')
    await writeFile(join(folder, file), edited)
    const command = ['-f', ...options.split(' '), 'signature', file, `${file}.sig`]
    await promisify(execFile)('rdiff', command, { cwd: folder })
    const signature = signatureOf(await readFile(join(folder, `${file}.sig`)))

    const [local, remote] = [bytesSource(basis), bytesSource(edited)]
    const plan = await rangePlan(signature, local, { size: edited.byteLength })
    expect(plan.remoteBytes).toBeLessThanOrEqual(blocks * signature.blockLength)
    const digest = createHash('sha256').update(edited).digest()
    expect(difference(await collect(rebuild(plan, local, remote, { digest })), edited)).toBeUndefined()
  })
})
