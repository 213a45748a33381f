import { createReadStream, fstatSync, type Stats } from 'node:fs'
import { Socket } from 'node:net'
import { isClosedStream } from './closed-stream.ts'
import { readableBytes } from './stdio.ts'
import { systemError } from './system-error.ts'

const STDIN = 0

/** What standard input is: a file, a pipe, a device. */
export function standardInputStats(): Stats {
  return fstatSync(STDIN)
}

/**
 * Checks that standard input can be read.
 *
 * @throws {Error} if it is a directory, or closed.
 */
export function checkStandardInput(): void {
  if (standardInputStats().isDirectory()) throw systemError('EISDIR', 'standard input')
  if (isClosedStream(STDIN)) throw new Error('standard input is closed')
}

/**
 * Standard input as a stream, opened when it is first read; `chunkBytes` are read at a time, if it is given and the
 * input is not a terminal, a pipe or a socket.
 *
 * @throws {Error} if it is a directory, or closed.
 */
export function standardInput(chunkBytes?: number): ReadableStream<Uint8Array> {
  checkStandardInput()
  return readableBytes(() => {
    const { stdin } = process
    // For what Node does not know, such as a block device, it has a stream that ends at once.
    return stdin instanceof Socket
      ? stdin
      : createReadStream('', { fd: STDIN, autoClose: false, highWaterMark: chunkBytes })
  })
}
