import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './run.mjs'

/**
 * Returns the TypeScript files of src/, such as `src/bytes/chunk-queue.ts`. Excludes the kernels, which are
 * AssemblyScript.
 *
 * @returns {string[]}
 */
export function sourceFiles() {
  return readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .map((path) => `src/${path.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.ts') && !path.includes('/kernel/'))
    .toSorted()
}
