/** One row of a bench: the same work, done here and by a peer. */
export interface Contest {
  /** The work. */
  readonly what: string
  /** Who else does it. */
  readonly peerName: string
  /** Does it with combstream. */
  ours(): Promise<void>
  /** Has the peer do it. */
  peer(): Promise<void>
}

/** Bytes that no compression and no de-duplication helps with (xorshift32). */
export function noise(byteLength: number, seed: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(byteLength / 4))
  let state = seed
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    words[i] = state
  }
  return new Uint8Array(words.buffer, 0, byteLength)
}

/** Reads a stream to its end and forgets it. */
export async function drain(readable: ReadableStream<Uint8Array>): Promise<void> {
  const reader = readable.getReader()
  while (!(await reader.read()).done);
}
