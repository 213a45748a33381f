// librsync's RabinKarp weak sum: a polynomial in MULT over the bytes of a window, modulo 2^32.

/** The sum of zero bytes. */
export const RABINKARP_SEED: u32 = 1

export const MULT: u32 = 0x08104225
export const MULT_2: u32 = 0xa5b71959
export const MULT_3: u32 = MULT_2 * MULT
export const MULT_4: u32 = MULT_3 * MULT
const MULT_8: u32 = MULT_4 * MULT_4
const MULT_16: u32 = MULT_8 * MULT_8

/**
 * The weights of sixteen bytes: MULT to the power of 15, and so on down to 0. They are loaded, because V8 makes vectors
 * that are constants of the code anew in every step, which takes longer than the multiplications.
 */
const WEIGHTS = memory.data<u32>([
  0xf9f2606d, 0x8c5efea9, 0x49960935, 0x1a6715d1, 0x035e173d, 0x9696d939, 0x8f03cc85, 0x7c71e2e1, 0x64e03b0d,
  0x21cb5cc9, 0x5120c4d5, 0xf9c080f1, 0x858f9bdd, 0xa5b71959, 0x08104225, 0x00000001,
])

/** The inverse of MULT modulo 2^32. */
export const INVERSE: u32 = 0x98f009ad

/** The seed's contribution to every byte that leaves the window: (MULT - 1) * seed. */
export const ADJUSTMENT: u32 = 0x08104224

/** Updates `sum` with more bytes. */
export function rabinKarpUpdate(sum: u32, p: usize, byteLength: u32): u32 {
  const whole = byteLength & ~15
  // Sixteen bytes per step, in four lanes that are added up at the end.
  const step = i32x4.splat(MULT_16)
  const weights0 = v128.load(WEIGHTS)
  const weights1 = v128.load(WEIGHTS, 16)
  const weights2 = v128.load(WEIGHTS, 32)
  const weights3 = v128.load(WEIGHTS, 48)
  let lanes = i32x4(0, 0, 0, sum)
  for (const end = p + whole; p < end; p += 16) {
    const bytes = v128.load(p)
    const low = i16x8.extend_low_i8x16_u(bytes)
    const high = i16x8.extend_high_i8x16_u(bytes)
    const sum0 = i32x4.mul(i32x4.extend_low_i16x8_u(low), weights0)
    const sum1 = i32x4.mul(i32x4.extend_high_i16x8_u(low), weights1)
    const sum2 = i32x4.mul(i32x4.extend_low_i16x8_u(high), weights2)
    const sum3 = i32x4.mul(i32x4.extend_high_i16x8_u(high), weights3)
    lanes = i32x4.add(i32x4.mul(lanes, step), i32x4.add(i32x4.add(sum0, sum1), i32x4.add(sum2, sum3)))
  }
  let hash: u32 =
    i32x4.extract_lane(lanes, 0) +
    i32x4.extract_lane(lanes, 1) +
    i32x4.extract_lane(lanes, 2) +
    i32x4.extract_lane(lanes, 3)
  for (const end = p + (byteLength & 15); p < end; p++) hash = hash * MULT + load<u8>(p)
  return hash
}

export function powerOfMult(exponent: u32): u32 {
  let power: u32 = 1
  let square = MULT
  for (let rest = exponent; rest > 0; rest >>= 1) {
    if (rest & 1) power *= square
    square *= square
  }
  return power
}
