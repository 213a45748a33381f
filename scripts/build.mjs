// Makes dist/: the package's modules, and the bundles that browsers load.
import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { buildKernel } from './build-kernel.mjs'
import { installPackages } from './setup.mjs'
import { ROOT, run } from './run.mjs'

/** What a page and its workers load as one file each: none of them resolves bare imports everywhere. */
const BUNDLES = ['src/browser/page.ts', 'src/browser/service-worker.ts', 'src/browser/rsync-worker.ts']

const TIMEOUT_MS = 180_000

/** Builds beside dist/ and then swaps, so that a failed build leaves the last good one and nobody sees half of it. */
export async function build() {
  const next = `dist-${process.pid}`
  await buildKernel()
  try {
    await step(['tsc', '--project', 'tsconfig.node.json', '--outDir', next])
    // Names stay, so that what a page reports from the field can be read.
    const options = ['--bundle', '--minify-syntax', '--minify-whitespace', '--legal-comments=eof']
    options.push('--format=esm', '--target=es2023', '--platform=browser', '--log-level=warning')
    await step(['esbuild', ...BUNDLES, ...options, `--outdir=${next}/browser`])
    mkdirSync(join(ROOT, next), { recursive: true })
    rmSync(join(ROOT, 'dist'), { recursive: true, force: true })
    renameSync(join(ROOT, next), join(ROOT, 'dist'))
  } finally {
    rmSync(join(ROOT, next), { recursive: true, force: true })
  }
}

/** @param {string[]} command */
async function step(command) {
  const { code, timedOut, output } = await run(command, { timeoutMs: TIMEOUT_MS })
  if (code !== 0) throw new Error(`${command.join(' ')} ${timedOut ? 'took too long' : 'failed'}\n${output}`)
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await installPackages()
  await build()
}
