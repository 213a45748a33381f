#!/usr/bin/env node
import { setTimeout } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'

// An older Node has no node:sqlite, or only behind a flag: it could not even load what is imported below.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 13)) {
  process.stderr.write(`comb: this is Node ${process.versions.node}, and comb needs Node 22.13 or newer\n`)
  process.exit(1)
}

// Buffers die young here, but V8 lets the generation of the young grow, and with it what waits to be collected: a
// server that had moved 6 GiB held 260 MB, and holds 160 MB with one that does not grow, at the same speed.
setFlagsFromString('--semi-space-growth-factor=1')

// Node 22 announces node:sqlite as experimental, on stderr, where it would stand between our lines. The warning is
// made when the module is loaded, so this comes before everything else, which is why that is imported below.
const { emitWarning } = process
process.emitWarning = (warning: string | Error, ...rest: never[]): void => {
  if (!String(warning).includes('SQLite')) emitWarning.call(process, warning, ...rest)
}

const { runComb } = await import('./program.ts')
// What nobody hears must end nothing: a log that has become full, or its reader, who has gone.
process.stderr.on('error', () => undefined)
process.exitCode = await runComb(process.argv)
if (process.exitCode > 128) {
  // The other end of a named pipe may hold a thread, and `exit` would wait for it; a signal does not.
  const isHeld = (): boolean => process.getActiveResourcesInfo().some((name) => name.startsWith('FSReq'))
  for (let waits = 0; isHeld() && waits < 50; waits++) await setTimeout(20)
  const number = process.exitCode - 128
  // Node ignores SIGPIPE.
  if (isHeld()) process.kill(process.pid, number === 13 ? 'SIGKILL' : number)
  // Bytes that nobody reads any more would keep a process that was interrupted.
  process.exit()
}
