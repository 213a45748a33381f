// `npm start`: set-up, build, then the example player; arguments are passed on.
import { spawn } from 'node:child_process'
import { build } from './build.mjs'
import { END_SIGNALS, ROOT } from './run.mjs'
import { installPackages } from './setup.mjs'

await installPackages()
await build()

const server = spawn('node_modules/.bin/node', ['examples/player/serve.ts', ...process.argv.slice(2)], {
  cwd: ROOT,
  stdio: 'inherit',
})
// The server closes its hive before it exits; this process exits with it.
for (const signal of END_SIGNALS) process.on(signal, () => server.kill(signal))
server.on('exit', (code) => (process.exitCode = code ?? 1))
