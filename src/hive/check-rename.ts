import { describeValue } from '../bytes/describe-value.ts'
import { checkAlias } from './alias.ts'
import type { RenameOptions } from './hive.ts'
import { checkPrecondition } from './precondition.ts'

/** The names of a rename, as keys. */
export interface RenameKeys {
  /** Of the name that the entry has. */
  readonly from: Uint8Array
  /** Of the name that it gets. */
  readonly to: Uint8Array
}

/**
 * Checks the arguments of `rename`.
 *
 * @throws {TypeError} if one of the names is not an alias, both are the same, or an option is of a wrong type.
 */
export function checkRename(alias: string, to: string, { ifMatch, overwrite }: RenameOptions): RenameKeys {
  const keys = { from: checkAlias(alias), to: checkAlias(to) }
  if (alias === to) throw new TypeError(`the new name must be another one, got ${describeValue(to)}`)
  if (overwrite !== undefined && typeof overwrite !== 'boolean') {
    throw new TypeError(`overwrite must be a boolean, got ${describeValue(overwrite)}`)
  }
  checkPrecondition({ ifMatch })
  return keys
}
