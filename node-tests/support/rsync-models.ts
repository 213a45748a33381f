/**
 * The simplest possible readers of the grammars in docs/formats.md, over whole files. The tests compare the parsers
 * with them. They use nothing from the package.
 *
 * @module
 */

/** The facts of an error, as a plain object. */
export interface Facts {
  readonly name: string
  readonly reason?: string
  readonly offset?: number
  readonly expected?: string
  readonly actual?: string
}

/** The expected result of a delta: all its output, or the output before the error and the error. */
export interface PatchModel {
  readonly output: Uint8Array
  readonly error: Facts | undefined
}

/** The options of a patch, as recorded in a case. */
export interface PatchModelOptions {
  readonly maxOutputLength?: number | undefined
  readonly expected?: { readonly size?: number | undefined } | undefined
  readonly trailingBytes?: 'error' | 'ignore' | undefined
}

const COPY_WIDTHS = [1, 2, 4, 8]
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER)

/** Patches a basis according to the grammar. */
export function modelPatch(delta: Uint8Array, basis: Uint8Array, options: PatchModelOptions = {}): PatchModel {
  const max = BigInt(Math.min(options.maxOutputLength ?? Infinity, Number.MAX_SAFE_INTEGER))
  const size = options.expected?.size
  const output: Uint8Array[] = []
  let length = 0
  let offset = 0
  const write = (bytes: Uint8Array): void => {
    output.push(bytes)
    length += bytes.byteLength
  }
  const stop = (error?: Facts): PatchModel => ({ output: joined(output, length), error })
  const format = (reason: string, at: number): PatchModel => stop({ name: 'FormatError', reason, offset: at })
  const integrity = (actual: string): PatchModel => stop({ name: 'IntegrityError', expected: `${size} bytes`, actual })
  const truncated = (): PatchModel => format('truncated', delta.byteLength)

  const magic = take(delta, 0, 4)
  if (magic === undefined) return truncated()
  if (magic !== 0x72730236n) return format('magic', 0)
  offset = 4

  for (;;) {
    const command = offset
    const opcode = delta[offset++]
    if (opcode === undefined) return truncated()
    if (opcode >= 0x55) return format('invalid', command)
    if (opcode === 0) break

    let position: bigint | undefined
    let count = BigInt(opcode)
    let lengthAt = command
    if (opcode > 0x40) {
      const copy = opcode >= 0x45
      const positionWidth = copy ? COPY_WIDTHS[(opcode - 0x45) >> 2]! : 0
      const lengthWidth = COPY_WIDTHS[copy ? (opcode - 0x45) & 3 : opcode - 0x41]!
      lengthAt = offset + positionWidth
      const value = take(delta, lengthAt, lengthWidth)
      if (value === undefined) return truncated()
      count = value
      if (copy) {
        position = take(delta, offset, positionWidth)!
        if (position > BigInt(basis.byteLength)) return format('invalid', offset)
      }
      offset = lengthAt + lengthWidth
    }
    if (count === 0n || count > MAX_SAFE) return format('invalid', lengthAt)
    const total = BigInt(length) + count
    if (total > max) return format('limit', lengthAt)
    if (size !== undefined && total > BigInt(size)) return integrity(`more than ${size} bytes`)
    if (position === undefined) {
      const end = offset + Number(count)
      write(delta.subarray(offset, end))
      if (end > delta.byteLength) return truncated()
      offset = end
    } else {
      if (position + count > BigInt(basis.byteLength)) return format('invalid', lengthAt)
      write(basis.subarray(Number(position), Number(position + count)))
    }
  }
  if (size !== undefined && length < size) return integrity(`${length} bytes`)
  if (offset < delta.byteLength && options.trailingBytes !== 'ignore') return format('invalid', offset)
  return stop()
}

/** The expected result of a signature's bytes. */
export interface SignatureModel {
  readonly blockLength: number
  readonly strongLength: number
  readonly weakSums: readonly number[]
  readonly strongSums: Uint8Array
}

/** Limits, like those of `loadSignature`. */
export interface SignatureModelLimits {
  readonly blockLength: number
  readonly blockCount: number
}

/** The full strong sum length for each magic. */
const STRONG_LENGTHS = new Map([
  [0x72730136n, 16],
  [0x72730137n, 32],
  [0x72730146n, 16],
  [0x72730147n, 32],
])

/** Reads a signature according to the grammar. */
export function modelSignature(bytes: Uint8Array, limits: SignatureModelLimits): SignatureModel | Facts {
  const format = (reason: string, offset: number): Facts => ({ name: 'FormatError', reason, offset })
  const magic = take(bytes, 0, 4)
  if (magic === undefined) return format('truncated', bytes.byteLength)
  const maxStrongLength = STRONG_LENGTHS.get(magic)
  if (maxStrongLength === undefined) return format('magic', 0)
  if (bytes.byteLength < 12) return format('truncated', bytes.byteLength)
  const blockLength = Number(take(bytes, 4, 4))
  if (blockLength < 1 || blockLength >= 2 ** 31) return format('invalid', 4)
  if (blockLength > limits.blockLength) return format('limit', 4)
  const strongLength = Number(take(bytes, 8, 4)) || maxStrongLength
  if (strongLength > maxStrongLength) return format('invalid', 8)

  const weakSums: number[] = []
  const strongSums: number[] = []
  let offset = 12
  for (; offset + 4 + strongLength <= bytes.byteLength; offset += 4 + strongLength) {
    if (weakSums.length === limits.blockCount) return format('limit', offset)
    weakSums.push(Number(take(bytes, offset, 4)))
    strongSums.push(...bytes.subarray(offset + 4, offset + 4 + strongLength))
  }
  if (offset < bytes.byteLength) return format('truncated', bytes.byteLength)
  return { blockLength, strongLength, weakSums, strongSums: Uint8Array.from(strongSums) }
}

function joined(parts: readonly Uint8Array[], byteLength: number): Uint8Array {
  const bytes = new Uint8Array(byteLength)
  let offset = 0
  for (const part of parts) {
    bytes.set(part, offset)
    offset += part.byteLength
  }
  return bytes
}

/** Reads an integer of `width` bytes, or returns undefined if they are not all there. */
function take(bytes: Uint8Array, offset: number, width: number): bigint | undefined {
  if (offset + width > bytes.byteLength) return undefined
  let value = 0n
  for (const byte of bytes.subarray(offset, offset + width)) value = value * 256n + BigInt(byte)
  return value
}
