// MD4 (RFC 1320) of four messages of equal length at once, one in each 32-bit lane.

/** Bytes compressed at a time. */
export const MD4_CHUNK: u32 = 64

/** The four words of state, four lanes each. */
const STATE = memory.data(64, 16)
/** The sixteen message words, four lanes each. */
const MESSAGE = memory.data(256, 16)
/** The end of each message, padded to one or two chunks. */
const LAST = memory.data(512, 16)

/** Bytes compressed so far. */
let count: u64 = 0

export function md4Begin(): void {
  v128.store(STATE, v128.splat<u32>(0x67452301))
  v128.store(STATE + 16, v128.splat<u32>(0xefcdab89))
  v128.store(STATE + 32, v128.splat<u32>(0x98badcfe))
  v128.store(STATE + 48, v128.splat<u32>(0x10325476))
  count = 0
}

/** Adds `byteLength` bytes of each message, a multiple of 64. The messages are `stride` bytes apart. */
export function md4Update(first: usize, stride: usize, byteLength: u32): void {
  for (let i: u32 = 0; i < byteLength; i += MD4_CHUNK) compress(first + i, stride)
  count += byteLength
}

/** Adds the last bytes of each message and writes the four sums, 32 bytes apart, to `sums`. */
export function md4End(first: usize, stride: usize, byteLength: u32, sums: usize): void {
  const whole = byteLength & ~(MD4_CHUNK - 1)
  md4Update(first, stride, whole)
  const rest = byteLength - whole
  const padded: u32 = rest < MD4_CHUNK - 8 ? MD4_CHUNK : 2 * MD4_CHUNK
  memory.fill(LAST, 0, 512)
  for (let lane: usize = 0; lane < 4; lane++) {
    const last = LAST + lane * 128
    memory.copy(last, first + lane * stride + whole, rest)
    store<u8>(last + rest, 0x80)
    store<u64>(last + padded - 8, (count + rest) * 8)
  }
  for (let i: u32 = 0; i < padded; i += MD4_CHUNK) compress(LAST + i, 128)
  for (let i: usize = 0; i < 4; i++) {
    const word = v128.load(STATE + i * 16)
    store<u32>(sums + i * 4, v128.extract_lane<u32>(word, 0))
    store<u32>(sums + 32 + i * 4, v128.extract_lane<u32>(word, 1))
    store<u32>(sums + 64 + i * 4, v128.extract_lane<u32>(word, 2))
    store<u32>(sums + 96 + i * 4, v128.extract_lane<u32>(word, 3))
  }
}

function add(a: v128, b: v128): v128 {
  return i32x4.add(a, b)
}

function rotate(x: v128, bits: i32): v128 {
  return v128.or(i32x4.shl(x, bits), i32x4.shr_u(x, 32 - bits))
}

/** A step of the first round: selects the bits of c where b is set, else those of d. */
function choose(a: v128, b: v128, c: v128, d: v128, x: v128, bits: i32): v128 {
  return rotate(add(add(a, v128.xor(d, v128.and(b, v128.xor(c, d)))), x), bits)
}

/** A step of the second round: the majority. */
function majority(a: v128, b: v128, c: v128, d: v128, x: v128, bits: i32): v128 {
  const chosen = v128.or(v128.and(b, c), v128.and(d, v128.or(b, c)))
  return rotate(add(add(add(a, chosen), x), v128.splat<u32>(0x5a827999)), bits)
}

/** A step of the third round: the parity. */
function parity(a: v128, b: v128, c: v128, d: v128, x: v128, bits: i32): v128 {
  return rotate(add(add(add(a, v128.xor(v128.xor(b, c), d)), x), v128.splat<u32>(0x6ed9eba1)), bits)
}

/** Word `i` of the message. */
function word(i: usize): v128 {
  return v128.load(MESSAGE + i * 16)
}

function compress(first: usize, stride: usize): void {
  // Each vector of the message has one word of all four.
  for (let i: usize = 0; i < MD4_CHUNK; i += 16) {
    const p = first + i
    const m0 = v128.load(p)
    const m1 = v128.load(p + stride)
    const m2 = v128.load(p + 2 * stride)
    const m3 = v128.load(p + 3 * stride)
    const low = v128.shuffle<u32>(m0, m1, 0, 4, 1, 5)
    const high = v128.shuffle<u32>(m0, m1, 2, 6, 3, 7)
    const low2 = v128.shuffle<u32>(m2, m3, 0, 4, 1, 5)
    const high2 = v128.shuffle<u32>(m2, m3, 2, 6, 3, 7)
    const words = MESSAGE + 4 * i
    v128.store(words, v128.shuffle<u64>(low, low2, 0, 2))
    v128.store(words, v128.shuffle<u64>(low, low2, 1, 3), 16)
    v128.store(words, v128.shuffle<u64>(high, high2, 0, 2), 32)
    v128.store(words, v128.shuffle<u64>(high, high2, 1, 3), 48)
  }
  let a = v128.load(STATE)
  let b = v128.load(STATE, 16)
  let c = v128.load(STATE, 32)
  let d = v128.load(STATE, 48)
  a = choose(a, b, c, d, word(0), 3)
  d = choose(d, a, b, c, word(1), 7)
  c = choose(c, d, a, b, word(2), 11)
  b = choose(b, c, d, a, word(3), 19)
  a = choose(a, b, c, d, word(4), 3)
  d = choose(d, a, b, c, word(5), 7)
  c = choose(c, d, a, b, word(6), 11)
  b = choose(b, c, d, a, word(7), 19)
  a = choose(a, b, c, d, word(8), 3)
  d = choose(d, a, b, c, word(9), 7)
  c = choose(c, d, a, b, word(10), 11)
  b = choose(b, c, d, a, word(11), 19)
  a = choose(a, b, c, d, word(12), 3)
  d = choose(d, a, b, c, word(13), 7)
  c = choose(c, d, a, b, word(14), 11)
  b = choose(b, c, d, a, word(15), 19)

  a = majority(a, b, c, d, word(0), 3)
  d = majority(d, a, b, c, word(4), 5)
  c = majority(c, d, a, b, word(8), 9)
  b = majority(b, c, d, a, word(12), 13)
  a = majority(a, b, c, d, word(1), 3)
  d = majority(d, a, b, c, word(5), 5)
  c = majority(c, d, a, b, word(9), 9)
  b = majority(b, c, d, a, word(13), 13)
  a = majority(a, b, c, d, word(2), 3)
  d = majority(d, a, b, c, word(6), 5)
  c = majority(c, d, a, b, word(10), 9)
  b = majority(b, c, d, a, word(14), 13)
  a = majority(a, b, c, d, word(3), 3)
  d = majority(d, a, b, c, word(7), 5)
  c = majority(c, d, a, b, word(11), 9)
  b = majority(b, c, d, a, word(15), 13)

  a = parity(a, b, c, d, word(0), 3)
  d = parity(d, a, b, c, word(8), 9)
  c = parity(c, d, a, b, word(4), 11)
  b = parity(b, c, d, a, word(12), 15)
  a = parity(a, b, c, d, word(2), 3)
  d = parity(d, a, b, c, word(10), 9)
  c = parity(c, d, a, b, word(6), 11)
  b = parity(b, c, d, a, word(14), 15)
  a = parity(a, b, c, d, word(1), 3)
  d = parity(d, a, b, c, word(9), 9)
  c = parity(c, d, a, b, word(5), 11)
  b = parity(b, c, d, a, word(13), 15)
  a = parity(a, b, c, d, word(3), 3)
  d = parity(d, a, b, c, word(11), 9)
  c = parity(c, d, a, b, word(7), 11)
  b = parity(b, c, d, a, word(15), 15)

  v128.store(STATE, add(a, v128.load(STATE)))
  v128.store(STATE, add(b, v128.load(STATE, 16)), 16)
  v128.store(STATE, add(c, v128.load(STATE, 32)), 32)
  v128.store(STATE, add(d, v128.load(STATE, 48)), 48)
}
