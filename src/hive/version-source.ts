import type { ByteRange } from '../bytes/byte-range.ts'
import type { Entry, EntryInfo, OpenOptions } from './hive.ts'

/** How a version is read. */
export interface VersionReading {
  /** Largest number of bytes between two looks at the version. */
  readonly bufferSize: number
  /** Each ends the stream with its reason. */
  readonly signals: readonly (AbortSignal | undefined)[]
}

/** How bytes of a version are read. */
export interface VersionRangeReading extends VersionReading {
  /** Whether bytes may be fetched before they are asked for; if not, each buffer is one look at the version. */
  readonly readAhead: boolean
}

/** One version of an entry, wherever its bytes are: what a {@linkcode PinnedEntry} is made of. */
export interface VersionSource {
  /** What is known of the version. */
  readonly info: EntryInfo
  /**
   * Reads a range of the version, once the reader asks. The stream fails when the version is no longer current, if that
   * matters to this source.
   */
  read(range: ByteRange, reading: VersionRangeReading): ReadableStream<Uint8Array<ArrayBuffer>>
  /** Reads the rdiff signature of the version. */
  signature(reading: VersionReading): ReadableStream<Uint8Array<ArrayBuffer>>
  /** Opens the version that the entry has now, to be read as this one. */
  reopen(options: Pick<OpenOptions, 'bufferSize' | 'signal'>): Promise<Entry>
}
