import { closeSync, lstatSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { randomIntegers } from '../noise.ts'

const RECORD_BYTES = 512
const MAX_FILE_BYTES = 1024 * 1024
const TEXT = /\.([cm]?[jt]s|json|md|map|css|html|txt|yml)$/

/**
 * Fractions of the packages that version 2 upgrades, and of an upgraded package's files that it edits, drops and adds.
 */
const UPGRADED = 0.3
const EDITED = 0.3
const DROPPED = 0.05
const ADDED = 0.05
/** Modification times, in seconds since 1970. */
const OLD_TIME = 1_700_000_000
const NEW_TIME = 1_720_000_000

/** A package: the paths of its files within `node_modules`. */
type Package = readonly string[]

/**
 * Writes two versions of a tar archive of the npm packages in `nodeModules`. The first has `byteLength` bytes.
 *
 * An archive contains every text file of up to 1 MiB, package by package. These are less than 256 MiB, so they are
 * repeated until the archive is full. Each round changes a letter about every 1,024 bytes, in different places, so no
 * two rounds have a signature block in common. The second version upgrades 30 % of the packages of each round. All
 * their headers have a new time. Of their files, 30 % are edited in 1 to 20 places (up to 100 bytes inserted, removed
 * or overwritten), 5 % are dropped, and 5 % get a new file next to them. The other packages are identical in both
 * versions.
 */
export function writeTarPair(nodeModules: string, [oldPath, newPath]: [string, string], byteLength: number): void {
  const packages = packagesIn(nodeModules)
  const oldArchive = new Archive(oldPath, byteLength)
  const newArchive = new Archive(newPath, Infinity)
  try {
    for (let round = 0; ; round++) {
      for (const [index, files] of packages.entries()) {
        const random = randomIntegers(round * packages.length + index + 1)
        const upgraded = chance(random, UPGRADED)
        for (const file of files) {
          const name = `round-${round}/${file}`
          const bytes = varied(readFileSync(join(nodeModules, file)), round, random)
          if (!oldArchive.add(name, OLD_TIME, bytes)) return
          if (!upgraded) newArchive.add(name, OLD_TIME, bytes)
          else addUpgraded(newArchive, name, bytes, random)
        }
      }
    }
  } finally {
    oldArchive.close()
    newArchive.close()
  }
}

function addUpgraded(archive: Archive, name: string, bytes: Uint8Array, random: () => number): void {
  if (chance(random, DROPPED)) return
  archive.add(name, NEW_TIME, chance(random, EDITED) ? edited(bytes, random) : bytes)
  if (chance(random, ADDED)) archive.add(`${name}.new`, NEW_TIME, varied(bytes, 1, random))
}

/** Returns the text files of each package, in the same order on every machine. A package may be in a scope's folder. */
function packagesIn(nodeModules: string): Package[] {
  const names = readdirSync(nodeModules).toSorted()
  return names
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) =>
      name.startsWith('@')
        ? readdirSync(join(nodeModules, name))
            .toSorted()
            .map((scoped) => `${name}/${scoped}`)
        : name,
    )
    .map((name) => textFiles(nodeModules, name))
    .filter((files) => files.length > 0)
}

function textFiles(root: string, path: string): string[] {
  const stat = lstatSync(join(root, path))
  if (stat.isDirectory()) {
    return readdirSync(join(root, path))
      .toSorted()
      .flatMap((name) => textFiles(root, `${path}/${name}`))
  }
  return stat.isFile() && stat.size <= MAX_FILE_BYTES && TEXT.test(path) && path.length < 80 ? [path] : []
}

/** Returns the bytes as they are in a given round. The first round leaves them unchanged. */
function varied(bytes: Uint8Array, round: number, random: () => number): Uint8Array {
  if (round === 0) return bytes
  const result = bytes.slice()
  for (let i = random() % 1024; i < result.byteLength; i += 512 + (random() % 1024)) result[i] = letter(random)
  return result
}

function edited(bytes: Uint8Array, random: () => number): Uint8Array {
  const pieces: Uint8Array[] = []
  const edits = 1 + (random() % 20)
  let position = 0
  for (let i = 0; i < edits && position < bytes.byteLength; i++) {
    const next = position + (random() % (bytes.byteLength - position))
    const length = 1 + (random() % 100)
    const kind = random() % 3 // 0 inserts bytes, 1 removes them, 2 overwrites them
    pieces.push(bytes.subarray(position, next))
    if (kind !== 1) pieces.push(Uint8Array.from({ length }, () => letter(random)))
    position = kind === 0 ? next : next + length
  }
  return Buffer.concat([...pieces, bytes.subarray(position)])
}

function letter(random: () => number): number {
  return 0x61 + (random() % 26)
}

function chance(random: () => number, share: number): boolean {
  return random() < share * 2 ** 32
}

/** A POSIX tar archive being written, either of a fixed size or as large as its files. */
class Archive {
  readonly #file: number
  readonly #byteLength: number
  #offset = 0

  constructor(path: string, byteLength: number) {
    this.#file = openSync(path, 'w')
    this.#byteLength = byteLength
  }

  /** Appends a file. Returns false if there is no room for it and the end of the archive. */
  add(name: string, time: number, bytes: Uint8Array): boolean {
    const padded = Math.ceil(bytes.byteLength / RECORD_BYTES) * RECORD_BYTES
    if (this.#offset + RECORD_BYTES + padded + 2 * RECORD_BYTES > this.#byteLength) return false
    const record = new Uint8Array(RECORD_BYTES + padded)
    record.set(header(name, time, bytes.byteLength))
    record.set(bytes, RECORD_BYTES)
    this.#write(record)
    return true
  }

  /** Ends the archive, padding it with zeros to its fixed size. */
  close(): void {
    const left = Number.isFinite(this.#byteLength) ? this.#byteLength - this.#offset : 2 * RECORD_BYTES
    this.#write(new Uint8Array(left))
    closeSync(this.#file)
  }

  #write(bytes: Uint8Array): void {
    for (let written = 0; written < bytes.byteLength;) written += writeSync(this.#file, bytes, written)
    this.#offset += bytes.byteLength
  }
}

function header(name: string, time: number, size: number): Uint8Array {
  const bytes = new Uint8Array(RECORD_BYTES)
  const put = (offset: number, text: string): void => void new TextEncoder().encodeInto(text, bytes.subarray(offset))
  put(0, name)
  put(100, '0000644')
  put(108, '0000000')
  put(116, '0000000')
  put(124, size.toString(8).padStart(11, '0'))
  put(136, time.toString(8).padStart(11, '0'))
  put(148, '        ') // the checksum counts its own field as spaces
  put(156, '0ustar')
  put(263, '00')
  const sum = bytes.reduce((total, byte) => total + byte, 0)
  put(148, `${sum.toString(8).padStart(6, '0')}\u{0} `)
  return bytes
}
