import { existsSync } from 'node:fs'
import { mkdir, open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { noise, randomIntegers } from '../noise.ts'
import { writeTarPair } from './tar-pair.ts'

/** How the two versions of a pair are related. */
export type CorpusName = 'tar' | 'insert' | 'different' | 'identical' | 'zeros' | 'repeated'

/** Two versions of a file. */
export interface Corpus {
  /** Name of the pair. */
  readonly name: CorpusName
  /** Path of the old version. */
  readonly basis: string
  /** Path of the new version. */
  readonly edited: string
}

const WRITE_BYTES = 1024 * 1024
const INSERTED_BYTES = 1_000_000
const OVERWRITES = 40
const OVERWRITTEN_BYTES = 100
const PATTERN_BYTES = 64 * 1024
const SHIFT_BYTES = 1000

/**
 * Creates the pairs in `directory`, in the order of the tables, unless they already exist. Each old version has
 * `byteLength` bytes. The pairs are the same on every machine, except for `tar`, which is made from the contents of
 * `nodeModules`. `docs/performance.md` describes them.
 */
export async function makeCorpora(directory: string, nodeModules: string, byteLength: number): Promise<Corpus[]> {
  await mkdir(directory, { recursive: true })
  const path = (name: string): string => join(directory, name)
  /** Writes files under temporary names first, so that an interrupted run leaves no incomplete ones. */
  const make = async (names: string[], write: (paths: string[]) => Promise<void> | void): Promise<void> => {
    if (names.every((name) => existsSync(path(name)))) return
    const parts = names.map((name) => path(`${name}.part`))
    await write(parts)
    for (const [i, part] of parts.entries()) await rename(part, path(names[i]!))
  }
  await make(['tar-1', 'tar-2'], ([first, second]) => writeTarPair(nodeModules, [first!, second!], byteLength))
  await make(['noise', 'insert'], async ([basisPath, insertPath]) => {
    const basis = noise(byteLength, 1)
    await writeChunks(basisPath!, [basis])
    overwrite(basis)
    const middle = byteLength >> 1
    await writeChunks(insertPath!, [basis.subarray(0, middle), noise(INSERTED_BYTES, 2), basis.subarray(middle)])
  })
  await make(['other-noise'], ([part]) => writeChunks(part!, [noise(byteLength, 3)]))
  await make(['zeros'], ([part]) => writeChunks(part!, [new Uint8Array(byteLength)]))
  await make(['repeated-1', 'repeated-2'], async ([first, second]) => {
    const bytes = repeated(noise(PATTERN_BYTES, 4), byteLength + SHIFT_BYTES)
    await writeChunks(first!, [bytes.subarray(0, byteLength)])
    await writeChunks(second!, [bytes.subarray(SHIFT_BYTES)])
  })
  const pair = (name: CorpusName, basis: string, edited: string): Corpus => {
    return { name, basis: path(basis), edited: path(edited) }
  }
  return [
    pair('tar', 'tar-1', 'tar-2'),
    pair('insert', 'noise', 'insert'),
    pair('different', 'noise', 'other-noise'),
    pair('identical', 'noise', 'noise'),
    pair('zeros', 'zeros', 'zeros'),
    pair('repeated', 'repeated-1', 'repeated-2'),
  ]
}

function overwrite(bytes: Uint8Array): void {
  const random = randomIntegers(5)
  for (let i = 1; i <= OVERWRITES; i++) {
    const offset = Math.floor((bytes.byteLength / (OVERWRITES + 1)) * i)
    for (let j = 0; j < OVERWRITTEN_BYTES; j++) bytes[offset + j] = random()
  }
}

function repeated(pattern: Uint8Array, byteLength: number): Uint8Array {
  const bytes = new Uint8Array(byteLength)
  for (let offset = 0; offset < byteLength; offset += pattern.byteLength) {
    bytes.set(pattern.subarray(0, byteLength - offset), offset)
  }
  return bytes
}

async function writeChunks(path: string, pieces: Uint8Array[]): Promise<void> {
  await using file = await open(path, 'w')
  for (const piece of pieces) {
    for (let offset = 0; offset < piece.byteLength;) {
      const { bytesWritten } = await file.write(piece.subarray(offset, offset + WRITE_BYTES))
      offset += bytesWritten
    }
  }
}
