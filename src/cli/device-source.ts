import { closeSync, openSync, readSync } from 'node:fs'
import { type ByteSource, rangeSource } from '../bytes/byte-source.ts'
import { byteStream } from '../bytes/byte-stream.ts'

const CHUNK_BYTES = 256 * 1024

/**
 * A device that can be read anywhere, such as a block device or /dev/null, as a source; also a file whose bytes the
 * system makes up as they are read, below /proc. None of them says how many bytes it has.
 */
export function deviceSource(path: string): ByteSource {
  return rangeSource(withFile(path, sizeOf), ({ start, end }) => {
    let offset = start
    return byteStream({
      next() {
        const chunk = new Uint8Array(Math.min(CHUNK_BYTES, end - offset))
        const byteLength = withFile(path, (fd) => readSync(fd, chunk, 0, chunk.byteLength, offset))
        offset += byteLength
        return byteLength === 0 ? undefined : chunk.slice(0, byteLength)
      },
      cancel() {
        offset = end
      },
    })
  })
}

/** Looks for the end, where there is nothing more to be read. */
function sizeOf(fd: number): number {
  const probe = new Uint8Array(1)
  const hasByteAt = (position: number): boolean => readSync(fd, probe, 0, 1, position) > 0
  let [size, end] = [0, 1]
  while (end < Number.MAX_SAFE_INTEGER && hasByteAt(end - 1))
    [size, end] = [end, Math.min(2 * end, Number.MAX_SAFE_INTEGER)]
  while (size < end - 1) {
    const middle = Math.floor(size / 2 + end / 2)
    if (hasByteAt(middle - 1)) size = middle
    else end = middle
  }
  return size
}

function withFile<T>(path: string, use: (fd: number) => T): T {
  const fd = openSync(path, 'r')
  try {
    return use(fd)
  } finally {
    closeSync(fd)
  }
}
