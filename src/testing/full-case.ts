import { equalBytes } from '../bytes/byte-order.ts'
import { check, key, mustGet, set, type Test } from './checks.ts'

const OBJECT_BYTES = 100_000
const MOST_OBJECTS = 100

/** The case for a backend that has little space. */
export const FULL_CASE: Test = [
  'a put without space fails with a QuotaExceededError, loses nothing, and succeeds once there is space again',
  async ({ metadata, blocks }) => {
    await set(metadata, '6b', '01')
    const stored: string[] = []
    let refused: unknown
    while (!refused && stored.length < MOST_OBJECTS) {
      const name = `o.${stored.length}`
      try {
        await blocks.put(name, noise(stored.length))
        stored.push(name)
      } catch (error) {
        refused = error
      }
    }
    check(stored.length >= 4, 'there is space for some objects')
    const kind = refused instanceof Error ? refused.name : 'no error'
    check(kind === 'QuotaExceededError', `a put fails with a QuotaExceededError, not with ${kind}`)
    check((await blocks.get(`o.${stored.length}`)) === undefined, 'the object that has no space is absent')
    for (const [i, name] of stored.entries()) {
      const bytes = await blocks.get(name)
      check(bytes !== undefined && equalBytes(bytes, noise(i)), `${name} is there`)
    }
    check((await mustGet(metadata, '6b')).value[0] === 1, 'the row is there')

    for (const name of stored) await blocks.delete(name)
    await blocks.put('o.again', noise(0))
    check(equalBytes((await blocks.get('o.again'))!, noise(0)), 'there is space again')
    await set(metadata, '6b', '02')
    check((await metadata.get(key('6b')))?.value[0] === 2, 'the row is written again')
  },
]

/** Bytes that no engine can compress (mulberry32). */
function noise(seed: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(OBJECT_BYTES)
  let state = seed
  for (let i = 0; i < bytes.byteLength; i++) {
    state = (state + 0x6d2b79f5) | 0
    const mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    bytes[i] = mixed ^ (mixed >>> 14)
  }
  return bytes
}
