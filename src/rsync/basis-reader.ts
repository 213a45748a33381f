import type { ByteSource } from '../bytes/byte-source.ts'
import { markHandled } from '../bytes/promises.ts'
import { ReusingReader } from '../bytes/reusing-reader.ts'
import { IntegrityError } from '../errors.ts'
import type { BasisRequest } from './patch-job.ts'

/** Copies of fewer bytes are tiny: what is about them is read with them, and kept. */
const TINY_BYTES = 16 * 1024

/** Bytes that are read about a tiny copy, half of them before it. To open a stream takes a block, or a request. */
const WINDOW_BYTES = 64 * 1024

/** Copies of more bytes are not kept. */
const MAX_KEPT_BYTES = 256 * 1024

/** Bytes that are kept, those used last. */
const ALL_KEPT_BYTES = 1024 * 1024

/**
 * How far ahead of the open stream a copy may begin for the bytes between to be read and dropped: to open a file takes as
 * long as to read 1 MiB of it, a request longer.
 */
const MAX_SKIP_BYTES = 256 * 1024

/** The least and the most that a stream is opened for beyond what is asked for, where copies go on in order. */
const MIN_READ_AHEAD_BYTES = 64 * 1024
const MAX_READ_AHEAD_BYTES = 8 * 1024 * 1024

const NONE = new Uint8Array(0)

/** Bytes of the basis that are kept. */
interface Window {
  readonly position: number
  readonly bytes: Uint8Array
}

/** A stream of the basis. */
interface Run {
  readonly reader: ReusingReader
  /** Offset in the basis of the next byte. */
  position: number
  /** Offset in the basis at which the stream ends. */
  readonly end: number
  /** The rest of the last chunk. */
  rest: Uint8Array
}

/**
 * Reads pieces of a basis with as few streams as it can. A piece that begins where the open stream stands, or up to
 * 256 KiB further on, goes on with it; the longer the pieces come in order, the further (8 MiB at most) the next stream is
 * opened for. Pieces out of order, of up to 256 KiB, are kept, to be there when they are needed again; and a piece of
 * less than 16 KiB with the 64 KiB about it.
 *
 * It keeps up to 1 MiB, and holds one chunk of the basis.
 */
export class BasisReader {
  readonly #basis: ByteSource
  /** The last one used at the end. */
  readonly #windows: Window[] = []
  #keptBytes = 0
  /** The stream that was opened last; closed if it stands at its end. */
  #run: Run | undefined
  #readAheadBytes = 0

  /** Makes a reader; nothing is read yet. */
  constructor(basis: ByteSource) {
    this.#basis = basis
  }

  /**
   * The first bytes of a piece, or all of it; they stay as they are until the next call only.
   *
   * @throws {IntegrityError} if the basis has fewer bytes there than its size says, or gives more than it was asked for.
   * An error of the basis passes through unchanged.
   */
  async read({ position, length }: BasisRequest): Promise<Uint8Array> {
    const kept = this.#find(position, length)
    if (kept) return kept

    const isTiny = length < TINY_BYTES
    const start = isTiny ? Math.max(0, position - WINDOW_BYTES / 2) : position
    const until = isTiny ? start + WINDOW_BYTES : position + length
    const inOrder = this.#isInOrder(position)
    const run = inOrder ? this.#goOn(position, start, until) : this.#openAlone(start, until)
    while (run.position < start) await nextBytes(run, start - run.position)
    if (!isTiny && (inOrder || length > MAX_KEPT_BYTES)) return await nextBytes(run, length)

    const byteLength = Math.min(isTiny ? WINDOW_BYTES : length, run.end - run.position)
    this.#makeRoom(byteLength)
    this.#windows.push(await readWindow(run, byteLength))
    return this.#find(position, length)!
  }

  /** Lets go of the basis, at once; may be called at any time, more than once. */
  cancel(reason: unknown): void {
    if (this.#run) close(this.#run, reason)
    this.#run = undefined
    this.#windows.length = 0
  }

  #find(position: number, length: number): Uint8Array | undefined {
    const holds = ({ position: start, bytes }: Window): boolean =>
      position >= start && position < start + bytes.byteLength
    const index = this.#windows.findLastIndex(holds)
    const window = this.#windows[index]
    if (!window) return undefined
    if (index < this.#windows.length - 1) this.#windows.push(...this.#windows.splice(index, 1))
    const offset = position - window.position
    return window.bytes.subarray(offset, offset + length)
  }

  #makeRoom(byteLength: number): void {
    this.#keptBytes += byteLength
    while (this.#keptBytes > ALL_KEPT_BYTES) this.#keptBytes -= this.#windows.shift()!.bytes.byteLength
  }

  #isInOrder(position: number): boolean {
    const skipped = this.#run ? position - this.#run.position : -1
    return skipped >= 0 && skipped <= MAX_SKIP_BYTES
  }

  /** The open stream, if it has the byte at `position`, or else the next one. */
  #goOn(position: number, start: number, until: number): Run {
    const last = this.#run!
    if (position < last.end) return last
    this.#readAheadBytes = Math.min(Math.max(2 * this.#readAheadBytes, MIN_READ_AHEAD_BYTES), MAX_READ_AHEAD_BYTES)
    return this.#open(Math.max(start, last.end), until + this.#readAheadBytes)
  }

  #openAlone(start: number, until: number): Run {
    this.#readAheadBytes = 0
    return this.#open(start, until)
  }

  #open(start: number, until: number): Run {
    if (this.#run) close(this.#run, undefined)
    const end = Math.min(until, this.#basis.size)
    const reader = new ReusingReader(this.#basis.slice(start, end).stream(), this.#run?.reader)
    return (this.#run = { reader, position: start, end, rest: NONE })
  }
}

/** The next bytes of a stream, `most` at most. */
async function nextBytes(run: Run, most: number): Promise<Uint8Array> {
  const chunk = run.rest.byteLength > 0 ? run.rest : await nextChunk(run)
  const bytes = chunk.subarray(0, most)
  run.rest = bytes.byteLength === chunk.byteLength ? NONE : chunk.subarray(bytes.byteLength)
  run.position += bytes.byteLength
  if (run.position === run.end) close(run, undefined)
  return bytes
}

async function nextChunk({ reader, position, end }: Run): Promise<Uint8Array> {
  const chunk = await reader.read()
  const length = end - position
  const byteLength = chunk?.byteLength ?? 0
  if (chunk && byteLength <= length) return chunk
  throw new IntegrityError(`the basis gave ${byteLength} of the ${length} bytes that it has at ${position}`, {
    expected: `${length} bytes`,
    actual: `${byteLength} bytes`,
  })
}

/** The next bytes of a stream, which has so many, in memory of their own. */
async function readWindow(run: Run, byteLength: number): Promise<Window> {
  const { position } = run
  const bytes = new Uint8Array(byteLength)
  for (let offset = 0; offset < byteLength;) {
    const piece = await nextBytes(run, byteLength - offset)
    bytes.set(piece, offset)
    offset += piece.byteLength
  }
  return { position, bytes }
}

function close(run: Run, reason: unknown): void {
  run.rest = NONE
  markHandled(run.reader.cancel(reason))
}
