import { FormatError } from '../../errors.ts'
import type { Blocks } from '../../store/backend.ts'

/** What the names of objects that claim a place begin with. No object of a store has such a name. */
const PREFIX = 'combstream.'
/** The bytes of the object. They mean nothing: some object stores do not take empty objects. */
const BYTES = new Uint8Array([0x0a])

/** A hive whose blocks are in another backend. */
export interface Claimant {
  /** The id of the hive, in hexadecimal digits. */
  readonly id: string
  /** Whether it has claimed its place before. */
  readonly hasClaimed: boolean
}

/**
 * Makes sure that the blocks in a backend are those of this hive. To a new hive, all objects of another one would be
 * orphans, which a repair removes. So a hive that is new claims a place without any objects, with an object that has
 * its id in its name.
 *
 * @throws {FormatError} with `reason: 'magic'` if the place belongs to another hive or program, and `'truncated'` if it
 * has lost the claim of this hive, or is not its place.
 */
export async function claimBlocks(blocks: Blocks, { id, hasClaimed }: Claimant): Promise<void> {
  const name = PREFIX + id
  // Another hive that has tried to claim the place since has left its claim there, but found this one, and is not open.
  if (hasClaimed && (await isThere(blocks, name))) return
  if (await isClaimed(blocks, name)) return
  if (hasClaimed) {
    throw new FormatError(`these are not the blocks of this hive: the object ${name} is missing`, {
      reason: 'truncated',
    })
  }
  const [other] = await blocks.list({ prefix: '', limit: 1 })
  // Another node may just have claimed it for the same hive.
  if (other && other.name !== name) throw foreign(other.name)
  try {
    await blocks.put(name, BYTES)
  } catch (error) {
    if (!(await isClaimed(blocks, name))) throw error
  }
  // Another hive may have done the same at the same time. Then neither has the place.
  await isClaimed(blocks, name)
}

async function isThere(blocks: Blocks, name: string): Promise<boolean> {
  const [found] = await blocks.list({ prefix: name, limit: 1 })
  return found?.name === name
}

/** @throws {FormatError} if another hive has claimed the place. */
async function isClaimed(blocks: Blocks, name: string): Promise<boolean> {
  let isOurs = false
  let after: string | undefined
  for (;;) {
    // A list may be shorter than it could be, so only an empty one is the end.
    const claims = await blocks.list({ prefix: PREFIX, after, limit: 2 })
    const other = claims.find((claim) => claim.name !== name)
    if (other) throw foreign(other.name)
    if (claims.length === 0) return isOurs
    isOurs = true
    after = name
  }
}

function foreign(name: string): FormatError {
  return new FormatError(`these blocks belong to another hive or program: there is an object ${name}`, {
    reason: 'magic',
  })
}
