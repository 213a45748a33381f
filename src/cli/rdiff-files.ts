import { stat } from 'node:fs/promises'
import type { ByteSource } from '../bytes/byte-source.ts'
import { deviceSource } from './device-source.ts'
import { type Input, openInput } from './file-input.ts'
import { fileSink } from './file-sink.ts'
import { RDIFF_EXIT, RdiffError } from './rdiff-error.ts'
import type { RdiffOptions } from './rdiff-arguments.ts'
import { inPieces } from './rdiff-pieces.ts'
import { checkStandardInput, standardInputStats } from './standard-input.ts'
import { stdoutSink } from './stdio.ts'
import { isMissing, systemError } from './system-error.ts'

/** Memory is taken for as many bytes, also where the file has fewer. */
const MAX_READ_BYTES = 4 * 1024 * 1024

/** Opens what is read from its beginning to its end. */
export async function openRdiffInput(file: string, { inputSize }: RdiffOptions): Promise<Input> {
  checkBufferSize(inputSize)
  const chunkBytes = inputSize === 0 ? undefined : Math.min(inputSize, MAX_READ_BYTES)
  const { stream, size } = await openInput(file, chunkBytes)
  return { stream: inPieces(stream, inputSize), size: file === '-' ? redirectedSize() : size }
}

/** Opens what is read anywhere. A pipe is not: rdiff too takes only files and devices there. */
export async function openBasis(file: string): Promise<ByteSource> {
  if (file === '-') checkStandardInput()
  const path = file === '-' ? '/dev/stdin' : file
  const found = await stat(path)
  if (found.isDirectory()) throw systemError('EISDIR', file)
  if (found.isFIFO() || found.isSocket()) throw systemError('ESPIPE', file)
  if (!found.isFile() || found.size === 0) return deviceSource(path)
  const { fileSource } = await import('../platform/file-source.ts')
  return await fileSource(path)
}

/** Where the result of a job goes, which is made, or replaced, when it is complete. */
export interface RdiffOutput {
  /** Opens the output, and then passes the input through a job into it. */
  take(input: ReadableStream<Uint8Array>, job: ReadableWritablePair<Uint8Array, Uint8Array>): Promise<void>
}

/**
 * Says where the result will go; nothing is touched yet.
 *
 * @throws {RdiffError} if there is such a file, and it may not be replaced.
 */
export async function prepareOutput(
  file: string,
  { force, outputSize }: RdiffOptions,
  signal: AbortSignal,
): Promise<RdiffOutput> {
  checkBufferSize(outputSize)
  if (file !== '-' && !force && (await exists(file))) {
    throw new RdiffError(`there is such a file, and no -f to replace it: ${file}`, RDIFF_EXIT.ioError)
  }
  return {
    async take(input, job) {
      // Nothing is read before: a terminal or a pipe that is being read keeps a process that has failed.
      const sink = file === '-' ? stdoutSink(signal) : await fileSink(file, { signal, replace: force })
      // The signal goes to the last pipe alone: were the job itself aborted, the pipe would not wait for the file to go.
      await inPieces(input.pipeThrough(job), outputSize).pipeTo(sink, { signal })
    },
  }
}

function checkBufferSize(byteLength: number): void {
  if (byteLength < 0) throw new RdiffError(`a buffer of ${byteLength} bytes`, RDIFF_EXIT.paramError)
}

/** Size of standard input, if it is a file. */
function redirectedSize(): number | undefined {
  const found = standardInputStats()
  return found.isFile() ? found.size : undefined
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file)
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}
