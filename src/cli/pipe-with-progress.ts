import { pipeReusing } from './pipe-reusing.ts'

/** Options of {@linkcode pipeWithProgress}. */
export interface ProgressOptions {
  /** Name to show with the progress bar. */
  readonly name: string
  /** Number of bytes, if it is known. */
  readonly size: number | undefined
  /** Whether to show a progress bar; it is shown only if stderr is a terminal. */
  readonly bar: boolean
  /** Whether source and sink are what {@linkcode pipeReusing} needs. */
  readonly reuse?: boolean
  /** Stops the transfer. */
  readonly signal: AbortSignal
}

/** Pipes a stream into a sink. Meanwhile, shows a progress bar on stderr if it is a terminal. */
export async function pipeWithProgress(
  from: ReadableStream<Uint8Array>,
  to: WritableStream<Uint8Array>,
  { name, size, bar, reuse = false, signal }: ProgressOptions,
): Promise<void> {
  if (!bar || !process.stderr.isTTY) return reuse ? pipeReusing(from, to, { signal }) : from.pipeTo(to, { signal })

  const { ProgressBar } = await import('./progress-bar.ts')
  const progress = new ProgressBar(name, size)
  const onChunk = (byteLength: number): void => progress.add(byteLength)
  try {
    await (reuse
      ? pipeReusing(from, to, { signal, onChunk })
      : from.pipeThrough(counter(onChunk)).pipeTo(to, { signal }))
  } catch (error) {
    progress.clear()
    throw error
  }
  progress.finish()
}

/** Passes chunks on, and tells the size of each. */
function counter(onChunk: (byteLength: number) => void): TransformStream<Uint8Array, Uint8Array> {
  return new TransformStream({
    transform(chunk, controller) {
      onChunk(chunk.byteLength)
      controller.enqueue(chunk)
    },
  })
}
