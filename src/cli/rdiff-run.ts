import type { Codec } from '../bytes/codec-transform.ts'
import type { RdiffInput } from './rdiff-input.ts'
import { RdiffTurns } from './rdiff-turns.ts'

const NONE = new Uint8Array(0)

/** Options of {@linkcode runJob}. */
export interface JobRun {
  /** Source of the input. */
  readonly input: RdiffInput
  /** Buffer for all of the input. */
  readonly inputBuffer: Uint8Array
  /** Free space in the job's own memory for the next input; empty if there is none. */
  room?(): Uint8Array
  /** Buffer for all of the output; absent if the job has no output. */
  readonly outputBuffer: Uint8Array
  /** Consumes the output, a full buffer at a time. The buffer is reused once this has returned or resolved. */
  write(bytes: Uint8Array): Promise<void> | void
  /** Called once, before the job gets its first bytes. */
  load?(): Promise<void>
  /** Stops the run. */
  readonly signal: AbortSignal
}

/**
 * Drives a job from its first byte to its last, with two buffers that are reused. Fresh memory for every chunk, which is not
 * in the cache, would cost more time than reading the file.
 */
export async function runJob(job: Codec, run: JobRun): Promise<void> {
  const { input, inputBuffer, outputBuffer } = run
  const turns = new RdiffTurns(run.signal)
  let source = inputBuffer
  let [start, end, filled] = [0, 0, 0]
  let isLoaded = false
  for (;;) {
    const { state, read, written } = job.iterate(source.subarray(start, end), outputBuffer.subarray(filled))
    start += read
    filled += written
    const isFull = filled === outputBuffer.byteLength && filled > 0
    if (isFull || state === 'done') {
      const writing = run.write(outputBuffer.subarray(0, filled))
      if (writing) await writing
      filled = 0
      if (state === 'done') return
    }
    if (start === end && !isFull) {
      const room = run.room?.().subarray(0, inputBuffer.byteLength) ?? NONE
      source = room.byteLength > 0 ? room : inputBuffer
      const reading = input.read(source)
      start = 0
      end = typeof reading === 'number' ? reading : await reading
      if (end === 0) {
        job.end()
      } else if (!isLoaded) {
        await run.load?.()
        isLoaded = true
      }
    }
    const turn = turns.spend(read + written)
    if (turn) await turn
  }
}
