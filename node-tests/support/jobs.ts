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
  const given = new Uint8Array(Math.min(inputBytes, input.byteLength) + 3)
  const room = new Uint8Array(outputBytes + 2)
  let result = new Uint8Array(1024)
  let length = 0
  let offset = 0
  let told = false
  let idle = 0
  for (;;) {
    const piece = given.subarray(3, 3 + Math.min(inputBytes, input.byteLength - offset))
    piece.set(input.subarray(offset, offset + piece.byteLength))
    room.fill(0xa5)
    const step = job.iterate(piece, room.subarray(1, 1 + outputBytes))
    piece.fill(0xee)
    if (room[0] !== 0xa5 || room[1 + step.written] !== 0xa5) throw new Error('wrote outside of its room')
    if (length + step.written > result.byteLength) {
      const larger = new Uint8Array(2 * (length + step.written))
      larger.set(result.subarray(0, length))
      result = larger
    }
    result.set(room.subarray(1, 1 + step.written), length)
    length += step.written
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
  return result.slice(0, length)
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
