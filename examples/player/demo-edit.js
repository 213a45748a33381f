import { bytesSource } from '/combstream/browser-hive.js'
import { formatBytes } from './format.js'

/** @import { Hive } from './types.ts' */

const ALIAS = 'demo.bin'
const SIZE = 8_000_000
const INSERTED_BYTES = 1_000

/**
 * Makes an edited copy of an entry, and creates the entry if it does not exist. Some bytes are inserted in the middle, so
 * that all bytes after them move.
 *
 * @param {Hive} hive
 * @param {AbortSignal} signal
 * @param {(text: string) => void} say
 */
export async function demoEdit(hive, signal, say) {
  const { entries } = await hive.list({ prefix: ALIAS, limit: 1, signal })
  if (entries[0]?.alias !== ALIAS) {
    say(`Storing ${ALIAS}, ${formatBytes(SIZE)} of random bytes …`)
    await bytesSource(randomBytes(SIZE))
      .stream()
      .pipeTo(hive.sink(ALIAS, { ifNoneMatch: '*', signal }), { signal })
  }
  say(`Reading ${ALIAS} to edit it …`)
  const entry = await hive.open(ALIAS, { signal })
  const bytes = await new Response(entry.stream().pipeThrough(new TransformStream(), { signal })).blob()
  const middle = Math.floor(bytes.size / 2)
  const edited = new Blob([bytes.slice(0, middle), randomBytes(INSERTED_BYTES), bytes.slice(middle)])
  return { alias: ALIAS, edited, what: `a copy with ${formatBytes(INSERTED_BYTES)} inserted` }
}

/** @param {number} byteLength */
function randomBytes(byteLength) {
  const bytes = new Uint8Array(byteLength)
  // The browser returns at most this many bytes at a time.
  const pieceBytes = 65_536
  for (let offset = 0; offset < byteLength; offset += pieceBytes) {
    crypto.getRandomValues(bytes.subarray(offset, offset + pieceBytes))
  }
  return bytes
}
