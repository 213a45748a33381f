import type { ByteSource } from '../bytes/byte-source.ts'
import { ChunkReader } from '../bytes/chunk-reader.ts'
import { markHandled } from '../bytes/promises.ts'
import { IntegrityError } from '../errors.ts'
import type { BasisRequest } from './patch-job.ts'

/**
 * Bytes that are read about a copy that is shorter, and kept; and how far ahead of an open stream a copy may begin for
 * the bytes between to be read and dropped. To open a stream of an entry or a URL takes a block or a request.
 */
const WINDOW_BYTES = 64 * 1024

/** Windows that are kept, those used last: 1 MiB. */
const WINDOW_COUNT = 16

/** The most that a stream is opened for beyond what is asked for, when the copies have long gone through the basis in order. */
const MAX_READ_AHEAD_BYTES = 8 * 1024 * 1024

const NONE = new Uint8Array(0)

/** Bytes of the basis that are kept. */
interface Window {
  readonly position: number
  readonly bytes: Uint8Array
}

/** A stream of the basis. */
interface Run {
  readonly reader: ChunkReader
  /** Offset in the basis of the next byte. */
  position: number
  /** Offset in the basis at which the stream ends. */
  readonly end: number
  /** The rest of the last chunk. */
  rest: Uint8Array
}

/**
 * Reads pieces of a basis with as few streams as it can: short pieces are answered from windows of 64 KiB about them,
 * of which the 16 used last are kept; a piece that begins where the open stream stands, or up to 64 KiB further on, goes
 * on with it; and the longer the pieces come in order, the further (8 MiB at most) the next stream is opened for.
 *
 * It holds the windows, 1 MiB, and one chunk of the basis.
 */
export class BasisReader {
  readonly #basis: ByteSource
  /** The last one used at the end. */
  readonly #windows: Window[] = []
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
    const kept = this.#kept(position, length)
    if (kept) return kept

    const short = length < WINDOW_BYTES
    const start = short ? Math.max(0, position - WINDOW_BYTES / 2) : position
    const end = Math.max(position + length, Math.min(start + WINDOW_BYTES, this.#basis.size))
    const run = this.#reach(position, start, end)
    while (run.position < start) await nextBytes(run, start - run.position)
    if (!short) return await nextBytes(run, length)

    const window = await readWindow(run)
    if (this.#windows.length === WINDOW_COUNT) this.#windows.shift()
    this.#windows.push(window)
    return this.#kept(position, length)!
  }

  /** Lets go of the basis, at once; may be called at any time, more than once. */
  cancel(reason: unknown): void {
    if (this.#run) close(this.#run, reason)
    this.#run = undefined
    this.#windows.length = 0
  }

  #kept(position: number, length: number): Uint8Array | undefined {
    const holds = ({ position: start, bytes }: Window): boolean =>
      position >= start && position < start + bytes.byteLength
    const index = this.#windows.findLastIndex(holds)
    const window = this.#windows[index]
    if (!window) return undefined
    if (index < this.#windows.length - 1) this.#windows.push(...this.#windows.splice(index, 1))
    const offset = position - window.position
    return window.bytes.subarray(offset, offset + length)
  }

  /** A stream that stands at `start` or before, or between there and `position`, and has the byte at `position`. */
  #reach(position: number, start: number, end: number): Run {
    const last = this.#run
    const inOrder = last !== undefined && position >= last.position && position - last.position < WINDOW_BYTES
    if (inOrder && position < last.end) return last

    if (last) close(last, undefined)
    this.#readAheadBytes = inOrder
      ? Math.min(Math.max(2 * this.#readAheadBytes, WINDOW_BYTES), MAX_READ_AHEAD_BYTES)
      : 0
    const from = inOrder ? Math.max(start, last.end) : start
    const to = Math.min(end + this.#readAheadBytes, this.#basis.size)
    const reader = new ChunkReader(this.#basis.slice(from, to).stream())
    return (this.#run = { reader, position: from, end: to, rest: NONE })
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

/** The window that begins where a stream stands. */
async function readWindow(run: Run): Promise<Window> {
  const { position } = run
  const bytes = new Uint8Array(Math.min(WINDOW_BYTES, run.end - position))
  for (let length = 0; length < bytes.byteLength;) {
    const piece = await nextBytes(run, bytes.byteLength - length)
    bytes.set(piece, length)
    length += piece.byteLength
  }
  return { position, bytes }
}

function close(run: Run, reason: unknown): void {
  run.rest = NONE
  markHandled(run.reader.cancel(reason))
}
