// 256-bit BLAKE2b (RFC 7693), unkeyed, of two messages of equal length at once, one in each 64-bit lane.

/** Bytes compressed at a time. */
export const BLAKE2B_CHUNK: u32 = 128

/** The order of the message words in each of the twelve rounds, as byte offsets of vectors. */
const SIGMA = memory.data<u8>([
  0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x80, 0x90, 0xa0, 0xb0, 0xc0, 0xd0, 0xe0, 0xf0, 0xe0, 0xa0, 0x40,
  0x80, 0x90, 0xf0, 0xd0, 0x60, 0x10, 0xc0, 0x00, 0x20, 0xb0, 0x70, 0x50, 0x30, 0xb0, 0x80, 0xc0, 0x00, 0x50, 0x20,
  0xf0, 0xd0, 0xa0, 0xe0, 0x30, 0x60, 0x70, 0x10, 0x90, 0x40, 0x70, 0x90, 0x30, 0x10, 0xd0, 0xc0, 0xb0, 0xe0, 0x20,
  0x60, 0x50, 0xa0, 0x40, 0x00, 0xf0, 0x80, 0x90, 0x00, 0x50, 0x70, 0x20, 0x40, 0xa0, 0xf0, 0xe0, 0x10, 0xb0, 0xc0,
  0x60, 0x80, 0x30, 0xd0, 0x20, 0xc0, 0x60, 0xa0, 0x00, 0xb0, 0x80, 0x30, 0x40, 0xd0, 0x70, 0x50, 0xf0, 0xe0, 0x10,
  0x90, 0xc0, 0x50, 0x10, 0xf0, 0xe0, 0xd0, 0x40, 0xa0, 0x00, 0x70, 0x60, 0x30, 0x90, 0x20, 0x80, 0xb0, 0xd0, 0xb0,
  0x70, 0xe0, 0xc0, 0x10, 0x30, 0x90, 0x50, 0x00, 0xf0, 0x40, 0x80, 0x60, 0x20, 0xa0, 0x60, 0xf0, 0xe0, 0x90, 0xb0,
  0x30, 0x00, 0x80, 0xc0, 0x20, 0xd0, 0x70, 0x10, 0x40, 0xa0, 0x50, 0xa0, 0x20, 0x80, 0x40, 0x70, 0x60, 0x10, 0x50,
  0xf0, 0xb0, 0x90, 0xe0, 0x30, 0xc0, 0xd0, 0x00, 0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x80, 0x90, 0xa0,
  0xb0, 0xc0, 0xd0, 0xe0, 0xf0, 0xe0, 0xa0, 0x40, 0x80, 0x90, 0xf0, 0xd0, 0x60, 0x10, 0xc0, 0x00, 0x20, 0xb0, 0x70,
  0x50, 0x30,
])

/** The initial value. The parameter block of RFC 7693 (32-byte digest, no key) is XORed into its first word. */
const IV = memory.data<u64>([
  0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1, 0x510e527fade682d1,
  0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
])
const PARAMETERS: u64 = 0x01010020

/** The eight words of state, two lanes each. */
const STATE = memory.data(128, 16)
/** The sixteen message words, two lanes each. */
const MESSAGE = memory.data(256, 16)
/** The padded end of each message. */
const LAST = memory.data(256, 16)

/** Bytes compressed so far. */
let count: u64 = 0

export function blake2bBegin(): void {
  for (let i: usize = 0; i < 8; i++) v128.store(STATE + i * 16, v128.splat<u64>(load<u64>(IV + i * 8)))
  v128.store(STATE, v128.splat<u64>(load<u64>(IV) ^ PARAMETERS))
  count = 0
}

/** Adds `byteLength` bytes of each message, a multiple of 128. More bytes must follow. */
export function blake2bUpdate(first: usize, second: usize, byteLength: u32): void {
  for (let i: u32 = 0; i < byteLength; i += BLAKE2B_CHUNK) {
    count += BLAKE2B_CHUNK
    compress(first + i, second + i, 0)
  }
}

/** Adds the last bytes of each message and writes the two sums, 32 bytes each, to `sums`. */
export function blake2bEnd(first: usize, second: usize, byteLength: u32, sums: usize): void {
  const whole = byteLength == 0 ? 0 : (byteLength - 1) & ~(BLAKE2B_CHUNK - 1)
  blake2bUpdate(first, second, whole)
  const rest = byteLength - whole
  memory.fill(LAST, 0, 256)
  memory.copy(LAST, first + whole, rest)
  memory.copy(LAST + BLAKE2B_CHUNK, second + whole, rest)
  count += rest
  compress(LAST, LAST + BLAKE2B_CHUNK, ~0)
  for (let i: usize = 0; i < 4; i++) {
    const word = v128.load(STATE + i * 16)
    store<u64>(sums + i * 8, v128.extract_lane<u64>(word, 0))
    store<u64>(sums + 32 + i * 8, v128.extract_lane<u64>(word, 1))
  }
}

function word(sigma: usize): v128 {
  return v128.load(MESSAGE + load<u8>(sigma))
}

function add(a: v128, b: v128): v128 {
  return i64x2.add(a, b)
}

function rotate32(x: v128): v128 {
  return v128.shuffle<u32>(x, x, 1, 0, 3, 2)
}

/** With shifts, because V8 makes the operand of a shuffle of bytes anew every time. The other shuffles need none. */
function rotate24(x: v128): v128 {
  return v128.or(i64x2.shr_u(x, 24), i64x2.shl(x, 40))
}

function rotate16(x: v128): v128 {
  return v128.shuffle<u16>(x, x, 1, 2, 3, 0, 5, 6, 7, 4)
}

function rotate63(x: v128): v128 {
  return v128.or(i64x2.shr_u(x, 63), i64x2.add(x, x))
}

/** The compression function F of RFC 7693, section 3.2; `last` is all ones for the last chunk. */
function compress(first: usize, second: usize, last: u64): void {
  for (let i: usize = 0; i < 128; i += 16) {
    const a = v128.load(first + i)
    const b = v128.load(second + i)
    v128.store(MESSAGE + 2 * i, v128.shuffle<u64>(a, b, 0, 2))
    v128.store(MESSAGE + 2 * i + 16, v128.shuffle<u64>(a, b, 1, 3))
  }
  let a0 = v128.load(STATE)
  let a1 = v128.load(STATE + 16)
  let a2 = v128.load(STATE + 32)
  let a3 = v128.load(STATE + 48)
  let b0 = v128.load(STATE + 64)
  let b1 = v128.load(STATE + 80)
  let b2 = v128.load(STATE + 96)
  let b3 = v128.load(STATE + 112)
  let c0 = v128.splat<u64>(load<u64>(IV))
  let c1 = v128.splat<u64>(load<u64>(IV + 8))
  let c2 = v128.splat<u64>(load<u64>(IV + 16))
  let c3 = v128.splat<u64>(load<u64>(IV + 24))
  let d0 = v128.splat<u64>(load<u64>(IV + 32) ^ count)
  let d1 = v128.splat<u64>(load<u64>(IV + 40))
  let d2 = v128.splat<u64>(load<u64>(IV + 48) ^ last)
  let d3 = v128.splat<u64>(load<u64>(IV + 56))
  // Row by row: the four G functions of a step are independent of one another, so they can run side by side.
  for (let sigma = SIGMA; sigma < SIGMA + 192; sigma += 16) {
    a0 = add(add(a0, b0), word(sigma))
    a1 = add(add(a1, b1), word(sigma + 2))
    a2 = add(add(a2, b2), word(sigma + 4))
    a3 = add(add(a3, b3), word(sigma + 6))
    d0 = rotate32(v128.xor(d0, a0))
    d1 = rotate32(v128.xor(d1, a1))
    d2 = rotate32(v128.xor(d2, a2))
    d3 = rotate32(v128.xor(d3, a3))
    c0 = add(c0, d0)
    c1 = add(c1, d1)
    c2 = add(c2, d2)
    c3 = add(c3, d3)
    b0 = rotate24(v128.xor(b0, c0))
    b1 = rotate24(v128.xor(b1, c1))
    b2 = rotate24(v128.xor(b2, c2))
    b3 = rotate24(v128.xor(b3, c3))
    a0 = add(add(a0, b0), word(sigma + 1))
    a1 = add(add(a1, b1), word(sigma + 3))
    a2 = add(add(a2, b2), word(sigma + 5))
    a3 = add(add(a3, b3), word(sigma + 7))
    d0 = rotate16(v128.xor(d0, a0))
    d1 = rotate16(v128.xor(d1, a1))
    d2 = rotate16(v128.xor(d2, a2))
    d3 = rotate16(v128.xor(d3, a3))
    c0 = add(c0, d0)
    c1 = add(c1, d1)
    c2 = add(c2, d2)
    c3 = add(c3, d3)
    b0 = rotate63(v128.xor(b0, c0))
    b1 = rotate63(v128.xor(b1, c1))
    b2 = rotate63(v128.xor(b2, c2))
    b3 = rotate63(v128.xor(b3, c3))

    a0 = add(add(a0, b1), word(sigma + 8))
    a1 = add(add(a1, b2), word(sigma + 10))
    a2 = add(add(a2, b3), word(sigma + 12))
    a3 = add(add(a3, b0), word(sigma + 14))
    d3 = rotate32(v128.xor(d3, a0))
    d0 = rotate32(v128.xor(d0, a1))
    d1 = rotate32(v128.xor(d1, a2))
    d2 = rotate32(v128.xor(d2, a3))
    c2 = add(c2, d3)
    c3 = add(c3, d0)
    c0 = add(c0, d1)
    c1 = add(c1, d2)
    b1 = rotate24(v128.xor(b1, c2))
    b2 = rotate24(v128.xor(b2, c3))
    b3 = rotate24(v128.xor(b3, c0))
    b0 = rotate24(v128.xor(b0, c1))
    a0 = add(add(a0, b1), word(sigma + 9))
    a1 = add(add(a1, b2), word(sigma + 11))
    a2 = add(add(a2, b3), word(sigma + 13))
    a3 = add(add(a3, b0), word(sigma + 15))
    d3 = rotate16(v128.xor(d3, a0))
    d0 = rotate16(v128.xor(d0, a1))
    d1 = rotate16(v128.xor(d1, a2))
    d2 = rotate16(v128.xor(d2, a3))
    c2 = add(c2, d3)
    c3 = add(c3, d0)
    c0 = add(c0, d1)
    c1 = add(c1, d2)
    b1 = rotate63(v128.xor(b1, c2))
    b2 = rotate63(v128.xor(b2, c3))
    b3 = rotate63(v128.xor(b3, c0))
    b0 = rotate63(v128.xor(b0, c1))
  }
  fold(0, a0, c0)
  fold(16, a1, c1)
  fold(32, a2, c2)
  fold(48, a3, c3)
  fold(64, b0, d0)
  fold(80, b1, d1)
  fold(96, b2, d2)
  fold(112, b3, d3)
}

function fold(offset: usize, low: v128, high: v128): void {
  v128.store(STATE + offset, v128.xor(v128.load(STATE + offset), v128.xor(low, high)))
}
