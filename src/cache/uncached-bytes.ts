import type { ByteRange } from '../bytes/byte-range.ts'
import type { Entry } from '../hive/hive.ts'
import { bytesOfReader, bytesOfStream, type VersionBytes } from '../hive/version-bytes.ts'
import type { VersionRangeReading } from '../hive/version-source.ts'

/** What {@linkcode uncachedBytes} reads. */
interface UncachedReading {
  readonly range: ByteRange
  readonly reading: VersionRangeReading
  /** Where the bytes are counted. */
  readonly statistics: { networkBytes: number }
  readonly signal: AbortSignal
  /** Opens the entry of the remote hive. */
  open(): Promise<Entry>
}

/** Bytes that pass by the cache. */
export async function uncachedBytes({
  range,
  reading,
  statistics,
  signal,
  open,
}: UncachedReading): Promise<VersionBytes> {
  if (range.start === range.end) return { read: () => Promise.resolve(undefined), cancel: () => undefined }
  const remote = await open()
  const bytes = reading.readAhead
    ? bytesOfStream(remote.stream({ ...range, signal }))
    : bytesOfReader(remote.reader({ bufferSize: reading.bufferSize }), range, signal)
  return {
    read: async (lent) => {
      const chunk = await bytes.read(lent)
      statistics.networkBytes += chunk?.byteLength ?? 0
      return chunk
    },
    cancel: (reason) => bytes.cancel(reason),
  }
}
