import { ALL_FORMATS, CustomSource, Input } from 'mediabunny'
import type { Entry } from 'combstream/hive'

/**
 * Lets mediabunny read an entry: of a hive here, of one on a server, or a file on any server, opened with `openUrl`. Dispose
 * the input when you are done.
 */
export function openMedia(entry: Entry): Input {
  const source = new CustomSource({
    getSize: () => entry.size,
    read: (start, end) => entry.stream({ start, end }),
    prefetchProfile: 'network',
  })
  return new Input({ formats: ALL_FORMATS, source })
}
