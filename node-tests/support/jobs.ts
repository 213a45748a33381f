import { expect } from 'vitest'
import { fromHex } from '../../src/bytes/byte-text.ts'
import { type Codec, LoadSignatureJob, type PatchJob, type Signature } from '../../src/rsync.ts'

/** How {@linkcode runJob} splits input and output. */
export interface Cut {
  /** Bytes of input given to the job at a time. */
  inputBytes?: number
  /** Bytes of output room given to the job at a time. */
  outputBytes?: number
  /** The basis of a patch job. */
  basis?: Uint8Array
}

/** What stands around the output of a job, and in what it has not written. */
const UNTOUCHED = 0xa5
const FEW_BYTES = 32

/**
 * Runs a job to its end with pieces of input and output of given sizes, each a view into a larger buffer. The input is
 * overwritten after each call, and the bytes around the output are checked.
 */
export function runJob(job: Codec, input: Uint8Array, cut: Cut = {}): Uint8Array<ArrayBuffer> {
  const { inputBytes = Infinity, outputBytes = 64 * 1024, basis } = cut
  const given = new Uint8Array(Math.min(inputBytes, input.byteLength) + 3)
  const whole = given.subarray(3)
  const room = new Uint8Array(outputBytes + 2).fill(UNTOUCHED)
  const output = room.subarray(1, 1 + outputBytes)
  let result = new Uint8Array(1024)
  let length = 0
  let offset = 0
  let isEnded = false
  let idle = 0
  for (;;) {
    const left = input.byteLength - offset
    const piece = left < whole.byteLength ? whole.subarray(0, left) : whole
    copy(input, offset, piece.byteLength, piece, 0)
    const step = job.iterate(piece, output)
    fill(piece, 0xee, piece.byteLength)
    if (room[0] !== UNTOUCHED || room[1 + step.written] !== UNTOUCHED) throw new Error('wrote outside of its output')
    if (length + step.written > result.byteLength) {
      const larger = new Uint8Array(2 * (length + step.written))
      larger.set(result.subarray(0, length))
      result = larger
    }
    copy(output, 0, step.written, result, length)
    fill(output, UNTOUCHED, step.written)
    length += step.written
    offset += step.read
    if (step.state === 'done') break
    idle = step.read + step.written > 0 ? 0 : idle + 1
    if (idle > 3) throw new Error(`${step.state} without progress`)
    if (step.state === 'waiting') {
      const { position, length: needed } = (job as PatchJob).request!
      ;(job as PatchJob).supply(basis!.slice(position, position + Math.min(needed, outputBytes + 1)))
    } else if (offset === input.byteLength && !isEnded && step.written < outputBytes) {
      job.end()
      isEnded = true
    }
  }
  expect(offset).toBe(input.byteLength)
  return result.slice(0, length)
}

/** Copies bytes. For a few, a loop takes a fraction of the time of views and calls, and pieces of one byte come by the million. */
function copy(from: Uint8Array, start: number, byteLength: number, to: Uint8Array, at: number): void {
  if (byteLength > FEW_BYTES) to.set(from.subarray(start, start + byteLength), at)
  else for (let i = 0; i < byteLength; i++) to[at + i] = from[start + i]!
}

/** Overwrites the first bytes. */
function fill(bytes: Uint8Array, value: number, byteLength: number): void {
  if (byteLength > FEW_BYTES) bytes.fill(value, 0, byteLength)
  else for (let i = 0; i < byteLength; i++) bytes[i] = value
}

/** Parses the bytes of a signature. */
export function signatureOf(bytes: Uint8Array, inputBytes?: number): Signature {
  const job = new LoadSignatureJob()
  runJob(job, bytes, inputBytes === undefined ? {} : { inputBytes })
  return job.signature!
}

/** Parses hexadecimal digits, with optional spaces between fields. */
export function hex(text: string): Uint8Array<ArrayBuffer> {
  return fromHex(text.replaceAll(' ', ''))!
}

/**
 * Describes where bytes differ from the expected ones, or returns undefined if they do not. `toEqual` takes seconds
 * over megabytes.
 */
export function difference(actual: Uint8Array, expected: Uint8Array): string | undefined {
  let i = 0
  while (i < actual.byteLength && actual[i] === expected[i]) i++
  if (i === actual.byteLength && i === expected.byteLength) return undefined
  return `got ${actual.byteLength} bytes, expected ${expected.byteLength}; they differ from offset ${i} on`
}
