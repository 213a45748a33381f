import { createReadStream, fstatSync, type Stats } from 'node:fs'
import { Socket } from 'node:net'
import { readableBytes } from './stdio.ts'
import { systemError } from './system-error.ts'

const STDIN = 0

/** What standard input is: a file, a pipe, a device. */
export function standardInputStats(): Stats {
  return fstatSync(STDIN)
}

/**
 * Standard input as a stream, opened when it is first read; `chunkBytes` are read at a time, if it is given and the
 * input is not a terminal, a pipe or a socket.
 *
 * @throws a system error if standard input is a directory.
 */
export function standardInput(chunkBytes?: number): ReadableStream<Uint8Array> {
  if (standardInputStats().isDirectory()) throw systemError('EISDIR', 'standard input')
  return readableBytes(() => {
    const { stdin } = process
    // For what Node does not know, such as a block device, it has a stream that ends at once.
    return stdin instanceof Socket
      ? stdin
      : createReadStream('', { fd: STDIN, autoClose: false, highWaterMark: chunkBytes })
  })
}
