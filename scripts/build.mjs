// Builds dist/: the modules of the package, the bundles for browsers, and the command.
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { buildKernels } from './build-kernel.mjs'
import { bundle } from './bundle.mjs'
import { installPackages } from './setup.mjs'
import { ROOT, run } from './run.mjs'
import { thirdPartyLicenses } from './third-party-licenses.mjs'

const TIMEOUT_MS = 180_000

/** Builds in another folder and then swaps, so that dist/ is never incomplete, and a failed build keeps the last good one. */
export async function build() {
  const next = `dist-${process.pid}`
  await buildKernels()
  try {
    await step(['tsc', '--project', 'tsconfig.node.json', '--outDir', next])
    const files = await bundle(next)
    writeFileSync(join(ROOT, next, 'THIRD-PARTY-LICENSES.txt'), thirdPartyLicenses(files))
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
