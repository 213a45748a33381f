import { createXXHash32 } from 'hash-wasm'
import { readU32 } from '../../bytes/integers.ts'

/** Computes the xxh32 of bytes. */
export type Xxh32 = (bytes: Uint8Array) => number

let loaded: Promise<Xxh32> | undefined

/** Loads xxh32. All callers share one instance: it is reset for each call. */
export function loadXxh32(): Promise<Xxh32> {
  loaded ??= createXXHash32().then((hash) => (bytes) => {
    hash.init()
    hash.update(bytes)
    return readU32(hash.digest('binary'), 0)
  })
  return loaded
}
