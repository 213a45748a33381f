import { CanvasSink, type Input } from 'mediabunny'

/** A frame of a video. */
export interface DrawnFrame {
  /** When it is shown, in seconds. */
  readonly seconds: number
  /** The picture. */
  readonly canvas: HTMLCanvasElement
}

/**
 * Draws `count` frames that are spread evenly over a video, each `width` pixels wide. Only the parts of the file that they
 * need are read.
 *
 * @throws {TypeError} if there is no video that this browser can decode.
 */
export async function* drawFrames(
  input: Input,
  { count, width }: { count: number; width: number },
): AsyncGenerator<DrawnFrame, void> {
  const track = await input.getPrimaryVideoTrack()
  if (!track || !(await track.canDecode())) throw new TypeError('there is no video that this browser can decode')
  const [first, end] = await Promise.all([track.getFirstTimestamp(), track.computeDuration()])
  const timestamps = Array.from({ length: count }, (_, i) => first + ((end - first) * i) / count)
  for await (const frame of new CanvasSink(track, { width }).canvasesAtTimestamps(timestamps)) {
    if (frame) yield { seconds: frame.timestamp, canvas: frame.canvas as HTMLCanvasElement }
  }
}
