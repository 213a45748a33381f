import type { Codec } from '../bytes/codec-transform.ts'
import { HostTurns } from '../bytes/host-turns.ts'
import type { RdiffInput } from './rdiff-input.ts'

const NONE = new Uint8Array(0)

/** What {@linkcode runJob} drives a job with. */
export interface JobRun {
  /** Where its input comes from. */
  readonly input: RdiffInput
  /** Memory that all of the input goes through. */
  readonly inputBuffer: Uint8Array
  /** Memory of the job itself that the next input may be put into; empty if there is none. */
  room?(): Uint8Array
  /** Memory that all of the output goes through; none for a job that has no output. */
  readonly outputBuffer: Uint8Array
  /** Takes the output, a full buffer at a time; the memory is used again once this has returned or resolved. */
  write(bytes: Uint8Array): Promise<void> | void
  /** Called once, before the first bytes are given to the job. */
  load?(): Promise<void>
  /** Supplies a job that waits. */
  serve?(): void
  /** Gives the run up. */
  readonly signal: AbortSignal
}

/**
 * Drives a job from its first byte to its last, through two buffers that are used again and again: new memory for every
 * chunk, which is cold, would take longer than to read a file.
 */
export async function runJob(job: Codec, run: JobRun): Promise<void> {
  const { input, inputBuffer, outputBuffer, signal } = run
  const turns = new HostTurns()
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
    if (state === 'waiting') run.serve!()
    else if (start === end && !isFull) {
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
    // Signals are heard when the host has its turn.
    const turn = turns.spend(read + written)
    if (turn) await turn
    signal.throwIfAborted()
  }
}
