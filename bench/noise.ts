/** Bytes that neither compress nor de-duplicate. */
export function noise(byteLength: number, seed: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(byteLength / 4))
  const next = randomIntegers(seed)
  for (let i = 0; i < words.length; i++) words[i] = next()
  return new Uint8Array(words.buffer, 0, byteLength)
}

/** Pseudo-random unsigned 32-bit integers (xorshift32), always the same for the same seed. The seed must not be 0. */
export function randomIntegers(seed: number): () => number {
  let state = seed | 0
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}
