/** What {@linkcode pipeWithProgress} shows, and whether. */
export interface ProgressOptions {
  /** Name of what is moved, for the line of the bar. */
  readonly name: string
  /** Number of bytes, if it is known. */
  readonly size: number | undefined
  /** Whether a bar may be shown; it is shown only if stderr is a terminal. */
  readonly bar: boolean
  /** Stops the piping. */
  readonly signal: AbortSignal
}

/** Pipes a stream into a sink, with a progress bar on stderr while it lasts, if that is a terminal. */
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
