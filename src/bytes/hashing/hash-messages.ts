/** What a page tells the worker that computes hashes. */
export type HashRequest =
  /** A hash goes on from a state of hash-wasm. */
  | { readonly kind: 'begin'; readonly number: number; readonly state: Uint8Array }
  | { readonly kind: 'update'; readonly number: number; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'end' | 'discard'; readonly number: number }

/** What the worker answers. */
export type HashReply =
  /** It has begun to listen. `state` is one of its own, which shows what made it. */
  | { readonly kind: 'ready'; readonly state: Uint8Array }
  /** It has hashed so many bytes more, and gives their memory back. */
  | {
      readonly kind: 'taken'
      readonly number: number
      readonly byteLength: number
      readonly bytes: Uint8Array<ArrayBuffer>
    }
  | { readonly kind: 'digest'; readonly number: number; readonly digest: Uint8Array<ArrayBuffer> }
