// `npm run bench`: set-up, build, then the benches on Node 24; arguments are passed on. See docs/performance.md.
import { build } from './build.mjs'
import { run } from './run.mjs'
import { installPackages } from './setup.mjs'
import { BENCH_PACKAGES, installSystemPackages } from './system-packages.mjs'

const TIMEOUT_MS = 3_600_000

await installPackages()
await installSystemPackages({ more: BENCH_PACKAGES })
await build()
const { code, timedOut } = await run(['node', 'bench/main.ts', ...process.argv.slice(2)], {
  timeoutMs: TIMEOUT_MS,
  show: true,
})
if (timedOut) console.log(`the benches took more than ${TIMEOUT_MS / 60_000} minutes`)
process.exitCode = code ?? 1
