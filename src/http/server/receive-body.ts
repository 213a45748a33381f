import { ChunkReader } from '../../bytes/chunk-reader.ts'
import { abortable, markHandled } from '../../bytes/promises.ts'
import { QuotaExceededError } from '../../errors.ts'
import type { Entry, EntrySink } from '../../hive/hive.ts'
import { parseDigits } from '../../representation/header-values.ts'
import type { HiveRequest } from './hive-request.ts'
import { bodyOf } from '../protocol/message-body.ts'
import { StatusError } from './status-error.ts'
import { StallTimer } from '../protocol/stall-timer.ts'

/** Moves the body of a request into a sink, at the pace of the sink. Whatever goes wrong, nothing is committed. */
export async function receiveBody({ request, log, limits }: HiveRequest, sink: EntrySink): Promise<Entry> {
  const { uploadBytes, silenceMs } = limits
  const writer = sink.getWriter()
  markHandled(writer.closed)
  const silence = new AbortController()
  const timer = new StallTimer(silenceMs, () => {
    silence.abort(new StatusError(408, `the body brought nothing for ${silenceMs} ms`))
  })
  let chunks: ChunkReader | undefined
  const nextChunk = async (): Promise<Uint8Array | undefined> => {
    timer.begin()
    try {
      return await abortable(chunks!.read(), silence.signal)
    } catch (error) {
      throw silence.signal.aborted ? error : brokenOff(error)
    } finally {
      timer.end()
    }
  }
  try {
    const declared = parseDigits(request.headers.get('content-length'))
    const body = await bodyOf(request)
    chunks = body ? new ChunkReader(body) : undefined
    let received = 0
    for (let chunk = chunks && (await nextChunk()); chunk; chunk = await nextChunk()) {
      received = log.received(chunk.byteLength)
      if (received > uploadBytes) throw tooLarge(uploadBytes)
      await writer.write(chunk)
    }
    if (declared !== undefined && declared !== received) {
      throw new StatusError(400, `the body has ${received} bytes, Content-Length says ${declared}`)
    }
    await writer.close()
    return await sink.entry
  } catch (error) {
    // The body is not cancelled: that would close the connection before the answer has gone out.
    await writer.abort(error)
    throw error
  } finally {
    timer.stop()
  }
}

/** The failure for a body that has too many bytes. */
export function tooLarge(limit: number): StatusError {
  return new StatusError(413, new QuotaExceededError(`the body is larger than ${limit} bytes`, { limit }))
}

function brokenOff(cause: unknown): StatusError {
  return new StatusError(400, new TypeError('the body of the request broke off', { cause }))
}
