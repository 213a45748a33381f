import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './run.mjs'

/**
 * The TypeScript files of src/, such as `src/bytes/chunk-queue.ts`; those of the kernel are AssemblyScript.
 *
 * @returns {string[]}
 */
export function sourceFiles() {
  return readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.startsWith(join('rsync', 'kernel', '/')))
    .map((path) => `src/${path.replaceAll('\\', '/')}`)
    .toSorted()
}
