import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** Bundles one of the bench's hosts, with the built package in it, and returns where the bundle is. */
export async function bundle(host: 'page-host' | 'process-host', directory: string): Promise<string> {
  const outfile = join(directory, `${host}.mjs`)
  await build({
    entryPoints: [fileURLToPath(new URL(`${host}.ts`, import.meta.url))],
    outfile,
    bundle: true,
    format: 'esm',
    target: 'es2023',
    platform: host === 'page-host' ? 'browser' : 'node',
    logLevel: 'warning',
    // The checkout's own leads `combstream` to the sources; what is measured is what was built.
    tsconfigRaw: {},
  })
  return outfile
}
