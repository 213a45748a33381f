import { createReadStream } from 'node:fs'
import { Socket } from 'node:net'
import { checkStandardInput, STDIN } from './standard-streams.ts'
import { readableBytes } from './stdio.ts'

/**
 * Standard input as a stream, opened when it is first read. It is read `chunkBytes` at a time, if given, unless it is a
 * terminal, a pipe or a socket.
 *
 * @throws {Error} if it is a directory, or closed.
 */
export function standardInput(chunkBytes?: number): ReadableStream<Uint8Array> {
  checkStandardInput()
  return readableBytes(() => {
    const { stdin } = process
    // For types that Node does not know, such as a block device, process.stdin is a stream that ends at once.
    return stdin instanceof Socket
      ? stdin
      : createReadStream('', { fd: STDIN, autoClose: false, highWaterMark: chunkBytes })
  })
}
