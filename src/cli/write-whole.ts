import { write } from 'node:fs'
import { promisify } from 'node:util'

const writeBytes = promisify(write)

/** Writes all bytes at the current position of a file; the system may accept fewer at a time. */
export async function writeWhole(fd: number, bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.byteLength;) {
    const { bytesWritten } = await writeBytes(fd, bytes, offset)
    offset += bytesWritten
  }
}
