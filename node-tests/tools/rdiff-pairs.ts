import type { SumName } from '../../src/rsync.ts'
import { assemble, type Piece } from '../support/pieces.ts'

/** A basis, an edited version of it, and the parameters of the signature. */
export interface Pair {
  readonly name: string
  readonly basis: Uint8Array<ArrayBuffer>
  readonly edited: Uint8Array<ArrayBuffer>
  /** rdiff's -b. Its default if undefined. */
  readonly blockLength?: number
  /** rdiff's -S. Its default, the maximum, if undefined. */
  readonly strongLength?: number | 'min'
  /** rdiff's -R and -H. Their defaults if undefined. */
  readonly sum?: SumName
}

/**
 * The pairs on which the codecs are compared with rdiff: block and field boundaries, every kind of edit, and various
 * sizes.
 */
export function rdiffPairs(): Pair[] {
  return [...edges(), ...edits(), ...settings(), ...sums(), ...random(), ...large()]
}

/** Sizes just around multiples of the block length, in both versions, and zero. */
function* edges(): Generator<Pair> {
  const sizes = [0, 1, 255, 256, 257, 511, 512, 513, 1023, 1024, 1025]
  for (const size of sizes) {
    const basis = assemble([{ random: size, seed: size + 1 }])
    for (const edit of sizes) {
      const pieces: Piece[] = [{ from: 0, to: edit }]
      if (edit > size) pieces.push({ random: edit - size, seed: edit })
      // With an empty basis, rdiff's delta depends on its buffer sizes, so it has no definite form.
      yield { name: `${size} bytes truncated or extended to ${edit}`, basis, edited: assemble(pieces, basis) }
    }
  }
}

/** Single edits of a file of several blocks, at and next to block boundaries. */
function* edits(): Generator<Pair> {
  const basis = assemble([{ random: 5000, seed: 1 }])
  for (const at of [0, 255, 256, 257, 2560, 4863, 4864, 4999, 5000]) {
    for (const length of [1, 255, 256, 700]) {
      const added: Piece = { random: length, seed: at + length }
      const pieces: Record<string, Piece[]> = {
        insertion: [{ from: 0, to: at }, added, { from: at }],
        overwrite: [{ from: 0, to: at }, added, { from: at + length }],
        deletion: [{ from: 0, to: at }, { from: at + length }],
        duplication: [{ from: 0, to: at + length }, { from: at }],
      }
      for (const [kind, edit] of Object.entries(pieces)) {
        yield { name: `${kind} of ${length} at ${at}`, basis, edited: assemble(edit, basis) }
      }
    }
  }
}

/** Repetitive content, and unusual block and strong sum lengths. */
function* settings(): Generator<Pair> {
  const repeated = assemble(Array.from({ length: 12 }, (_, i) => ({ random: 256, seed: (i % 3) + 1 })))
  const moved: Piece[] = [{ from: 1024, to: 2048 }, { from: 0, to: 1024 }, { from: 2000 }, { from: 128, to: 900 }]
  const contents: Record<string, [Uint8Array<ArrayBuffer>, Piece[]]> = {
    zeros: [new Uint8Array(3000), [{ fill: 2900 }, { text: 'x' }, { fill: 1000 }]],
    'repeated blocks': [repeated, moved],
    'random bytes': [assemble([{ random: 3000, seed: 8 }]), moved],
    'two letters': [
      assemble([{ random: 3000, seed: 9 }]).map((byte) => 97 + (byte & 1)),
      [...moved, { text: 'abba' }, ...moved],
    ],
  }
  const lengths = [
    [1, 4],
    [2, 8],
    [7, 12],
    [64, 1],
    [100, 2],
    [255, 32],
    [300, 'min'],
    [2048, 31],
    [3000, 20],
    [5000, 16],
    [undefined, 'min'],
  ] as const
  for (const [content, [basis, pieces]] of Object.entries(contents)) {
    for (const [blockLength, strongLength] of lengths) {
      const name = `${content}, -b ${blockLength ?? 'default'} -S ${strongLength}`
      const edited = assemble(pieces, basis)
      yield { name, basis, edited, strongLength, ...(blockLength && { blockLength }) }
    }
  }
}

/** The other sums: content with collisions, and parameters at their limits. */
function* sums(): Generator<Pair> {
  const basis = assemble([{ random: 9000, seed: 31 }, { fill: 3000 }, { random: 5001, seed: 32 }])
  const edited = assemble(
    [
      { from: 7000 },
      { text: 'abba' },
      { from: 0, to: 8000 },
      { fill: 2000 },
      { random: 99, seed: 33 },
      { from: 16_900 },
    ],
    basis,
  )
  for (const sum of ['rollsum-md4', 'rollsum-blake2b', 'rabinkarp-md4'] as const) {
    for (const blockLength of [1, 2, 17, 64, 100, 256, 1000, 4096, 17_000, 20_000]) {
      for (const strongLength of [4, 8, 16, 'min'] as const) {
        yield { name: `${sum}, -b ${blockLength} -S ${strongLength}`, basis, edited, blockLength, strongLength, sum }
      }
    }
    yield { name: `${sum}, defaults`, basis, edited, sum }
    const zeros = new Uint8Array(70_000)
    // Permuted letters keep the rollsum: thousands of windows match the block's weak sum before the block itself comes.
    const similar = assemble([{ text: 'baabcccc'.repeat(1400) }, { text: 'abbacccc' }])
    yield {
      name: `${sum}, false matches`,
      basis: similar.slice(-8),
      edited: similar,
      blockLength: 8,
      strongLength: 8,
      sum,
    }
    yield { name: `${sum}, zeros`, basis: zeros, edited: assemble([{ text: 'x' }, { fill: 80_000 }]), sum }
  }
}

/** Random edits of files of up to 100 kB. */
function* random(): Generator<Pair> {
  let state = 12_345
  const next = (limit: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
  for (let i = 0; i < 60; i++) {
    const basis = assemble([{ random: next(100_000), seed: i + 1 }])
    const pieces = Array.from({ length: 1 + next(8) }, (): Piece => {
      const from = next(basis.byteLength)
      const kinds: Piece[] = [
        { from, to: from + next(40_000) },
        { from, to: from + next(2000) },
        { random: next(3000), seed: next(1e6) + 1 },
        { fill: next(3000), value: next(2) },
      ]
      return kinds[next(kinds.length)]!
    })
    yield { name: `random edits ${i}`, basis, edited: assemble(pieces, basis) }
  }
}

/** Megabytes: wide position and length fields, and literals longer than rdiff's limit. */
function* large(): Generator<Pair> {
  const basis = assemble([{ random: 3_000_000, seed: 21 }])
  const versions: Record<string, Piece[]> = {
    'all of the basis': [{ from: 0 }],
    'an insertion of 1 byte': [{ from: 0, to: 1_234_567 }, { text: '!' }, { from: 1_234_567 }],
    'an insertion of 200,000 bytes': [{ from: 0, to: 999_999 }, { random: 200_000, seed: 22 }, { from: 999_999 }],
    'an insertion of exactly one literal': [
      { from: 0, to: 1_000_000 },
      { random: 32_768, seed: 23 },
      { from: 1_000_000 },
    ],
    'nothing of the basis': [{ random: 1_000_000, seed: 24 }],
    'swapped halves': [{ from: 1_500_000 }, { from: 0, to: 1_500_000 }],
    'zeros around the basis': [{ fill: 100_000 }, { from: 70_000 }, { fill: 100_000 }],
  }
  for (const [name, pieces] of Object.entries(versions)) {
    yield { name: `3 MB: ${name}`, basis, edited: assemble(pieces, basis) }
  }
  const zeros = new Uint8Array(2_000_000)
  yield { name: '2 MB of zeros: unchanged', basis: zeros, edited: zeros }
  yield { name: '2 MB of zeros: one byte less', basis: zeros, edited: zeros.slice(1) }
  const tiny = basis.slice(0, 70_000)
  const edited = assemble([{ from: 66_000 }, { random: 70_000, seed: 25 }, { from: 0, to: 66_000 }], tiny)
  yield { name: '70 kB in blocks of 16', basis: tiny, edited, blockLength: 16, strongLength: 8 }
}
