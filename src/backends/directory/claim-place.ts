import { FormatError } from '../../errors.ts'
import { claimBlocks } from '../elsewhere/claim-blocks.ts'
import type { BlockBackend } from '../tiered.ts'
import type { SqliteMetadata } from './sqlite-metadata.ts'

/**
 * Makes sure that a hive is opened with the place of its blocks. A hive that is opened for the first time claims that
 * place; one that is open only for reading writes nothing there.
 *
 * @throws {FormatError} with `reason: 'unsupported'` if they are in the directory and should be elsewhere, or the other
 * way round; see {@linkcode claimBlocks} for a place that is not the hive's.
 */
export async function claimPlace(
  path: string,
  metadata: SqliteMetadata,
  { elsewhere, readOnly }: { readonly elsewhere: BlockBackend | undefined; readonly readOnly: boolean },
): Promise<void> {
  const claimant = await metadata.claimant()
  if ((claimant === undefined) !== (elsewhere === undefined)) {
    const message = claimant
      ? `the blocks of the hive in ${path} are in another backend: pass it as \`blocks\``
      : `the blocks of the hive in ${path} are in the directory: open it without \`blocks\``
    throw new FormatError(message, { reason: 'unsupported' })
  }
  if (!claimant || !elsewhere || (readOnly && !claimant.hasClaimed)) return
  await claimBlocks(elsewhere.blocks, claimant)
  if (!claimant.hasClaimed) await metadata.noteClaim()
}
