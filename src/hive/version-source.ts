import type { ByteRange } from '../bytes/byte-range.ts'
import type { EntryManifest } from './entry-manifest.ts'
import type { Entry, EntryInfo, OpenOptions } from './hive.ts'

/** How a version is read. */
export interface VersionReading {
  /** Largest number of bytes between two checks of the version. */
  readonly bufferSize: number
  /** Each ends the stream with its reason. */
  readonly signals: readonly (AbortSignal | undefined)[]
}

/** How bytes of a version are read. */
export interface VersionRangeReading extends VersionReading {
  /** Whether bytes may be fetched before they are asked for; if not, the version is checked for each buffer. */
  readonly readAhead: boolean
}

/** One version of an entry, wherever its bytes are. `PinnedEntry` turns it into an entry. */
export interface VersionSource {
  /** Describes the version. */
  readonly info: EntryInfo
  /** SHA-256 of all bytes of the version; undefined if it is not known. */
  readonly digest: Uint8Array | undefined
  /**
   * Reads a range of the version, as the stream is read. The stream fails when the version is no longer current, if
   * that matters to this source.
   */
  read(range: ByteRange, reading: VersionRangeReading): ReadableStream<Uint8Array<ArrayBuffer>>
  /**
   * A range of the version as a Blob of an engine's own storage; undefined if it is not there, or cannot be answered with at
   * once. It is of this version, whether that is still current or not.
   */
  blob?(range: ByteRange): Promise<Blob | undefined>
  /** Reads the rdiff signature of the version. */
  signature(reading: VersionReading): ReadableStream<Uint8Array<ArrayBuffer>>
  /**
   * The digests of the blocks that a range touches, or of the first of them. If it is absent, they are computed from the
   * bytes.
   */
  manifest?(range: ByteRange, reading: VersionReading): Promise<EntryManifest>
  /** Opens the current version of the entry, with the same consistency. */
  reopen(options: Pick<OpenOptions, 'bufferSize' | 'signal'>): Promise<Entry>
}
