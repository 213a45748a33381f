import type { Input } from 'mediabunny'

/** Describes a media file, one line for the file and one for each track. Of a large file, only a few ranges are read. */
export async function describeMedia(input: Input): Promise<string[]> {
  const [format, seconds, tracks] = await Promise.all([input.getFormat(), input.computeDuration(), input.getTracks()])
  return [
    `${format.name}, ${seconds.toFixed(1)} s`,
    ...tracks.map((track) => {
      const codec = track.codec ?? 'of an unknown codec'
      if (track.isVideoTrack()) return `video ${codec}, ${track.displayWidth} × ${track.displayHeight}`
      if (track.isAudioTrack()) return `audio ${codec}, ${track.sampleRate} Hz, channels: ${track.numberOfChannels}`
      return `${track.type} ${codec}`
    }),
  ]
}
