import { once } from 'node:events'
import { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { ownBytes } from '../bytes/byte-order.ts'
import { byteStream } from '../bytes/byte-stream.ts'
import { abortable } from '../bytes/promises.ts'
import { BrokenPipeError } from './broken-pipe-error.ts'
import { checkStandardOutput, STDOUT } from './standard-streams.ts'
import { writeWhole } from './write-whole.ts'

/** Writes to standard output, and resolves once the bytes have been passed on, so that a slow reader slows the writer. */
export async function writeOut(data: string | Uint8Array): Promise<void> {
  const { stdout } = process
  try {
    // process.stdout works for terminals, pipes and sockets. For types that Node does not know, such as a block device, it
    // drops every byte.
    if (stdout instanceof Socket) await writeToSocket(stdout, data)
    else await writeWhole(STDOUT, typeof data === 'string' ? Buffer.from(data) : data)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
    throw new BrokenPipeError('the reader of the output has closed it', { cause: error })
  }
}

function writeToSocket(stdout: Socket, data: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    // An 'error' event without a listener would end the process with a stack trace.
    stdout.once('error', reject)
    stdout.write(data, (error) => {
      if (error) return reject(error)
      stdout.off('error', reject)
      resolve()
    })
  })
}

/**
 * A sink for standard output. A reader that stops reading blocks a write, and a blocked write blocks `pipeTo` even if its
 * signal aborts; so the sink takes the signal too.
 *
 * @throws {Error} if standard output is closed.
 */
export function stdoutSink(signal: AbortSignal): WritableStream<Uint8Array> {
  checkStandardOutput()
  return new WritableStream({ write: (chunk) => abortable(writeOut(chunk), signal) }, { highWaterMark: 1 })
}

/**
 * A Node stream as a web stream, opened when it is first read. `Readable.toWeb()` cannot be used: an abort under
 * back-pressure ends Node 22 with an uncaught exception.
 */
export function readableBytes(open: () => Readable): ReadableStream<Uint8Array<ArrayBuffer>> {
  let readable: Readable | undefined
  let failure: unknown
  let ended = false
  const begin = (): Readable => {
    const opened = open()
    opened.once('end', () => {
      ended = true
    })
    return opened.on('error', (error) => {
      failure = error
    })
  }
  return byteStream({
    async next() {
      readable ??= begin()
      for (;;) {
        if (failure) throw failure
        const chunk = readable.read() as Buffer | null
        // Many Buffers of Node share the memory of a pool.
        if (chunk) return ownBytes(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength))
        if (ended || readable.readableEnded) return undefined
        if (readable.destroyed) throw new Error('the input has been closed')
        await nextEvent(readable)
      }
    },
    cancel() {
      readable?.destroy()
    },
  })
}

/** Waits until it makes sense to try again. */
async function nextEvent(readable: Readable): Promise<void> {
  const done = new AbortController()
  const { signal } = done
  try {
    await Promise.race(['readable', 'end', 'close'].map((name) => once(readable, name, { signal })))
  } finally {
    done.abort()
  }
}
