import { copyBytes } from '../bytes/byte-order.ts'
import { ChunkReader } from '../bytes/chunk-reader.ts'
import { ReusingReader } from '../bytes/reusing-reader.ts'
import type { ByteRange } from '../bytes/byte-range.ts'
import type { EntryReader } from './hive.ts'

/** Where the bytes of a version come from. */
export interface VersionBytes {
  /**
   * The next chunk, undefined at the end. It belongs to the caller, or, if it may be `lent`, is valid only until the next
   * call.
   */
  read(lent: boolean): Promise<Uint8Array | undefined>
  /**
   * Fills a buffer from its start instead, and resolves with the number of bytes, 0 at the end. Absent where that takes as
   * many copies as `read`.
   */
  fill?(buffer: Uint8Array<ArrayBuffer>): Promise<number>
  /** Ends it, and every pending read. */
  cancel(reason?: unknown): Promise<void> | void
}

/** The bytes of a stream. The first read decides how it is read: a stream with a reader keeps it. */
export function bytesOfStream(readable: ReadableStream<Uint8Array>): VersionBytes {
  let reader: ChunkReader | ReusingReader | undefined
  return {
    async read(lent) {
      reader ??= lent ? new ReusingReader(readable) : new ChunkReader(readable)
      const chunk = await reader.read()
      return chunk && !lent && reader instanceof ReusingReader ? copyBytes(chunk) : chunk
    },
    cancel: (reason) => (reader ?? readable).cancel(reason),
  }
}

/** The bytes of a range, from a reader of the version. */
export function bytesOfReader(reader: EntryReader, range: ByteRange, signal: AbortSignal): VersionBytes {
  reader.seek(range.start)
  return {
    read: async () => {
      if (reader.offset >= range.end) return undefined
      const { offset } = reader
      return (await reader.read({ signal })).subarray(0, range.end - offset)
    },
    cancel: () => reader.close(),
  }
}
