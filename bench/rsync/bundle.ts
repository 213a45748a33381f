import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/**
 * Bundles one of the bench's programs together with the built package, and returns the path of the bundle. If the
 * runtime compiled a program from TypeScript itself, the compiler would be on the heap, and every garbage collection
 * would include it.
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
    // The checkout's tsconfig resolves `combstream` to the sources. We want to measure the build.
    tsconfigRaw: {},
  })
  return outfile
}
