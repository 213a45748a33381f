import { expect } from 'vitest'
import { fromHex } from '../../src/bytes/byte-text.ts'
import { type Codec, LoadSignatureJob, type PatchJob, type Signature } from '../../src/rsync.ts'

/** How {@linkcode runJob} cuts input and output. */
export interface Cut {
  /** Bytes of input that the job is given at a time. */
  inputBytes?: number
  /** Bytes of room that it is given at a time. */
  outputBytes?: number
  /** What a patch job copies from. */
  basis?: Uint8Array
}

/**
 * Runs a job to its end over pieces of input and output of given sizes, each a view into a larger buffer: what it was
 * given is scribbled over after each call, and what lies around the room is watched.
 */
export function runJob(job: Codec, input: Uint8Array, cut: Cut = {}): Uint8Array<ArrayBuffer> {
  const { inputBytes = Infinity, outputBytes = 64 * 1024, basis } = cut
  const chunks: Uint8Array<ArrayBuffer>[] = []
  let offset = 0
  let told = false
  let idle = 0
  for (;;) {
    const length = Math.min(inputBytes, input.byteLength - offset)
    const given = new Uint8Array(length + 6).subarray(3, 3 + length)
    given.set(input.subarray(offset, offset + length))
    const room = new Uint8Array(outputBytes + 2).fill(0xa5)
    const step = job.iterate(given, room.subarray(1, 1 + outputBytes))
    given.fill(0xee)
    if (room[0] !== 0xa5 || room[1 + step.written] !== 0xa5) throw new Error('wrote outside of its room')
    chunks.push(room.slice(1, 1 + step.written))
    offset += step.read
    if (step.state === 'done') break
    idle = step.read + step.written > 0 ? 0 : idle + 1
    if (idle > 3) throw new Error(`${step.state} without progress`)
    if (step.state === 'waiting') {
      const { position, length: needed } = (job as PatchJob).request!
      ;(job as PatchJob).supply(basis!.slice(position, position + Math.min(needed, outputBytes + 1)))
    } else if (offset === input.byteLength && !told && step.written < outputBytes) {
      job.end()
      told = true
    }
  }
  expect(offset).toBe(input.byteLength)
  return join(chunks)
}

/** The signature that bytes of a signature are read to. */
export function signatureOf(bytes: Uint8Array, inputBytes?: number): Signature {
  const job = new LoadSignatureJob()
  runJob(job, bytes, inputBytes === undefined ? {} : { inputBytes })
  return job.signature!
}

/** The bytes of hexadecimal digits, which may have spaces between fields. */
export function hex(text: string): Uint8Array<ArrayBuffer> {
  return fromHex(text.replaceAll(' ', ''))!
}

/** Where bytes differ from what they should be, undefined if nowhere; `toEqual` takes seconds over megabytes. */
export function difference(actual: Uint8Array, expected: Uint8Array): string | undefined {
  let i = 0
  while (i < actual.byteLength && actual[i] === expected[i]) i++
  if (i === actual.byteLength && i === expected.byteLength) return undefined
  return `${actual.byteLength} bytes where ${expected.byteLength} should be, different from offset ${i} on`
}

function join(chunks: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(chunks.reduce((sum, { byteLength }) => sum + byteLength, 0))
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.byteLength
  }
  return bytes
}
