/** Options of {@linkcode pipeWithProgress}. */
export interface ProgressOptions {
  /** Name to show with the progress bar. */
  readonly name: string
  /** Number of bytes, if it is known. */
  readonly size: number | undefined
  /** Whether to show a progress bar; it is shown only if stderr is a terminal. */
  readonly bar: boolean
  /** Stops the transfer. */
  readonly signal: AbortSignal
}

/** Pipes a stream into a sink. Meanwhile, shows a progress bar on stderr if it is a terminal. */
export async function pipeWithProgress(
  from: ReadableStream<Uint8Array>,
  to: WritableStream<Uint8Array>,
  { name, size, bar, signal }: ProgressOptions,
): Promise<void> {
  if (!bar || !process.stderr.isTTY) return from.pipeTo(to, { signal })

  const { ProgressBar } = await import('./progress-bar.ts')
  const progress = new ProgressBar(name, size)
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      progress.add(chunk.byteLength)
      controller.enqueue(chunk)
    },
  })
  try {
    await from.pipeThrough(counter).pipeTo(to, { signal })
  } catch (error) {
    progress.clear()
    throw error
  }
  progress.finish()
}
