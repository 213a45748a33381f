import { codeOf } from '../../bytes/error-code.ts'

/** Whether an error says that there is no such file; something else may stand where its directory would. */
export function isAbsent(error: unknown): boolean {
  return codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR'
}
