// Makes node-tests/portable/vectors/rdiff.ts with Debian's rdiff (2.3.2), for the runtimes that cannot run a program.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { assemble } from '../node-tests/support/pieces.ts'

/** @type {{ name: string, basis: import('../node-tests/support/pieces.ts').Piece[], edited: import('../node-tests/support/pieces.ts').Piece[], blockLength?: number, strongLength?: number }[]} */
const CASES = [
  { name: 'a text of five bytes', basis: [{ text: 'hello' }], edited: [{ text: 'hello' }], strongLength: 8 },
  { name: 'an empty basis and nothing new', basis: [], edited: [] },
  { name: 'everything gone', basis: [{ random: 1000, seed: 1 }], edited: [] },
  { name: 'nothing changed, whole blocks', basis: [{ random: 2048, seed: 2 }], edited: [{ from: 0 }] },
  { name: 'nothing changed, a short last block', basis: [{ random: 2049, seed: 3 }], edited: [{ from: 0 }] },
  {
    name: 'an insertion between two blocks',
    basis: [{ random: 1200, seed: 4 }],
    edited: [{ from: 0, to: 512 }, { text: 'XYZ' }, { from: 512 }],
    blockLength: 256,
    strongLength: 8,
  },
  {
    name: 'an insertion within a block',
    basis: [{ random: 5000, seed: 5 }],
    edited: [{ from: 0, to: 700 }, { random: 300, seed: 6 }, { from: 700 }],
  },
  {
    name: 'blocks moved, doubled and dropped',
    basis: [{ random: 4000, seed: 7 }],
    edited: [
      { from: 2048, to: 3072 },
      { from: 0, to: 1024 },
      { from: 0, to: 1024 },
      { from: 3500 },
      { from: 100, to: 900 },
    ],
  },
  {
    name: 'a short last block that is not last any more',
    basis: [{ random: 1000, seed: 8 }],
    edited: [{ from: 0 }, { text: 'more' }],
  },
  { name: 'zeros', basis: [{ fill: 10_000 }], edited: [{ fill: 9000 }, { text: '!' }, { fill: 3000 }] },
  {
    name: 'blocks of one byte',
    basis: [{ text: 'abracadabra' }],
    edited: [{ text: 'a cab drawer' }],
    blockLength: 1,
    strongLength: 4,
  },
  {
    name: 'strong sums of one byte',
    basis: [{ random: 3000, seed: 9 }],
    edited: [{ from: 1000 }, { random: 65, seed: 10 }, { from: 0, to: 1500 }],
    blockLength: 100,
    strongLength: 1,
  },
  {
    name: 'literals of 64, 65 and 256 bytes',
    basis: [{ random: 1024, seed: 11 }],
    edited: [
      { from: 0, to: 256 },
      { random: 64, seed: 12 },
      { from: 256, to: 512 },
      { random: 65, seed: 13 },
      { from: 512, to: 768 },
      { random: 256, seed: 14 },
      { from: 768 },
    ],
  },
  {
    name: 'positions of one, two and four bytes',
    basis: [{ random: 70_000, seed: 15 }],
    edited: [{ from: 65_536 + 256, to: 70_000 }, { from: 0, to: 30_000 }, { text: '.' }, { from: 30_000, to: 69_000 }],
    blockLength: 4096,
    strongLength: 12,
  },
]

const folder = mkdtempSync(join(tmpdir(), 'combstream-'))
try {
  const vectors = CASES.map((vector) => {
    const basis = assemble(vector.basis)
    writeFileSync(join(folder, 'basis'), basis)
    writeFileSync(join(folder, 'edited'), assemble(vector.edited, basis))
    const options = []
    if (vector.blockLength) options.push('-b', String(vector.blockLength))
    if (vector.strongLength) options.push('-S', String(vector.strongLength))
    rdiff(...options, 'signature', 'basis', 'signature')
    rdiff('delta', 'signature', 'edited', 'delta')
    return { ...vector, signature: base64('signature'), delta: base64('delta') }
  })
  const file = new URL('../node-tests/portable/vectors/rdiff.ts', import.meta.url)
  writeFileSync(
    file,
    `// Made by scripts/make-rdiff-vectors.mjs with rdiff 2.3.2: not to be edited.
import type { Piece } from '../../support/pieces.ts'

/** A basis and an edited version of it, and what rdiff made of them. */
export interface RdiffVector {
  readonly name: string
  readonly basis: readonly Piece[]
  readonly edited: readonly Piece[]
  readonly blockLength?: number
  readonly strongLength?: number
  readonly signature: string
  readonly delta: string
}

export const RDIFF_VECTORS: readonly RdiffVector[] = ${JSON.stringify(vectors, undefined, 2)}
`,
  )
  execFileSync('node_modules/.bin/oxfmt', [file.pathname], { cwd: new URL('..', import.meta.url).pathname })
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** @param {string[]} options */
function rdiff(...options) {
  execFileSync('rdiff', ['-f', ...options], { cwd: folder, stdio: 'pipe' })
}

/** @param {string} name */
function base64(name) {
  return readFileSync(join(folder, name)).toString('base64')
}
