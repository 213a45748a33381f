import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/**
 * Bundles one of the bench's programs, with the built package in it, and returns where the bundle is. A program that the
 * runtime compiles from TypeScript itself would have the compiler on its heap, and in each of its garbage collections.
 */
export async function bundle(program: 'own-worker' | 'page-host' | 'process-host', directory: string): Promise<string> {
  const outfile = join(directory, `${program}.mjs`)
  await build({
    entryPoints: [fileURLToPath(new URL(`${program}.ts`, import.meta.url))],
    outfile,
    bundle: true,
    format: 'esm',
    target: 'es2023',
    platform: program === 'page-host' ? 'browser' : 'node',
    logLevel: 'warning',
    // The checkout's own leads `combstream` to the sources; what is measured is what was built.
    tsconfigRaw: {},
  })
  return outfile
}
