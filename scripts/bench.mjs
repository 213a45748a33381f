// `npm run bench`: set-up, build, then the benches on Node 24; arguments are passed on.
import { build } from './build.mjs'
import { run } from './run.mjs'
import { installPackages } from './setup.mjs'

await installPackages()
await build()
const { code } = await run(['node', 'bench/main.ts', ...process.argv.slice(2)], { timeoutMs: 1_800_000, show: true })
process.exitCode = code ?? 1
