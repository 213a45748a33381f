import { fstatSync, openSync, statSync, writeSync, writevSync } from 'node:fs'
import { concatBytes } from '../bytes/byte-order.ts'
import { openPartialFile } from './partial-file.ts'
import { checkStandardOutput, isNullDevice, STDOUT } from './standard-streams.ts'
import { systemError } from './system-error.ts'

/** The output of an rdiff job. */
export interface RdiffOutput {
  /** Writes bytes. The memory may be reused once it has returned, or its promise has resolved. */
  write(bytes: Uint8Array): Promise<void> | void
  /** Writes pieces one after another, with the same rule for their memory. */
  writePieces(pieces: readonly Uint8Array[]): Promise<void> | void
  /** Marks the output as complete: a file gets its name. */
  finish(): Promise<void>
  /** Discards the output; may also be called after a failure. An existing file stays as it was; a new one is not created. */
  drop(reason: unknown): Promise<void> | void
}

/** Options for opening an output. */
export interface OutputOptions {
  /** Whether it may replace an existing file. */
  readonly replace: boolean
  /** Ends a wait for the reader of a pipe. */
  readonly signal: AbortSignal
}

/** Opens a file, or standard output for `-`. */
export async function openRdiffOutput(file: string, { replace, signal }: OutputOptions): Promise<RdiffOutput> {
  if (file === '-') return openStandardOutput(signal)
  const existing = statSync(file, { throwIfNoEntry: false })
  if (existing?.isDirectory()) throw systemError('EISDIR', file)
  if (existing && (existing.isBlockDevice() || isNullDevice(existing))) return descriptorOutput(openSync(file, 'w'))
  if (existing && !existing.isFile()) {
    const { deviceSink } = await import('./device-sink.ts')
    return sinkOutput(await deviceSink(file, signal))
  }
  const { fd, keep, drop } = openPartialFile(file, { existing, replace })
  return { ...descriptorOutput(fd), finish: keep, drop }
}

async function openStandardOutput(signal: AbortSignal): Promise<RdiffOutput> {
  checkStandardOutput()
  const stats = fstatSync(STDOUT)
  if (stats.isFIFO() || stats.isSocket() || (stats.isCharacterDevice() && !isNullDevice(stats))) {
    const { stdoutSink } = await import('./stdio.ts')
    return sinkOutput(stdoutSink(signal))
  }
  return descriptorOutput(STDOUT)
}

/** An output that bytes are written to directly, without a partial file. */
function descriptorOutput(fd: number): RdiffOutput {
  return {
    write: (bytes) => writeAll(fd, bytes),
    writePieces: (pieces) => writeAllPieces(fd, pieces),
    finish: () => Promise.resolve(),
    drop: () => undefined,
  }
}

function sinkOutput(sink: WritableStream<Uint8Array>): RdiffOutput {
  const writer = sink.getWriter()
  return {
    write: (bytes) => writer.write(bytes),
    writePieces: (pieces) => writer.write(concatBytes(...pieces)),
    finish: () => writer.close(),
    drop: (reason) => writer.abort(reason).catch(() => undefined),
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let offset = 0; offset < bytes.byteLength;) offset += writeSync(fd, bytes, offset)
}

function writeAllPieces(fd: number, pieces: readonly Uint8Array[]): void {
  let written = writevSync(fd, pieces)
  // The system may have accepted fewer bytes.
  for (const piece of pieces) {
    if (written < piece.byteLength) writeAll(fd, piece.subarray(written))
    written = Math.max(0, written - piece.byteLength)
  }
}
