#!/usr/bin/env node

// An older Node has no node:sqlite, or only behind a flag, so it could not even load the imports below.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 13)) {
  process.stderr.write(`comb: this is Node ${process.versions.node}, and comb needs Node 22.13 or newer\n`)
  process.exit(1)
}

// Scripts may run rdiff a thousand times, so it has a bundle of its own that loads nothing else.
const run =
  process.argv[2] === 'rdiff'
    ? (await import('./rdiff-main.ts')).runRdiffCommand
    : (await import('./hive-main.ts')).runHiveCommand
process.exitCode = await run(process.argv)
if (process.exitCode > 128) {
  const { setTimeout } = await import('node:timers/promises')
  // A thread may be blocked on a named pipe. `exit` would wait for it; a signal does not.
  const isHeld = (): boolean => process.getActiveResourcesInfo().some((name) => name.startsWith('FSReq'))
  for (let waits = 0; isHeld() && waits < 50; waits++) await setTimeout(20)
  const number = process.exitCode - 128
  // Node ignores SIGPIPE.
  if (isHeld()) process.kill(process.pid, number === 13 ? 'SIGKILL' : number)
  // Bytes that nobody reads would keep an interrupted process alive.
  process.exit()
}
