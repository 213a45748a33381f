#!/usr/bin/env node

// An older Node has no node:sqlite, or only behind a flag: it could not even load what is imported below.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 13)) {
  process.stderr.write(`comb: this is Node ${process.versions.node}, and comb needs Node 22.13 or newer\n`)
  process.exit(1)
}

// rdiff stands in scripts that run it a thousand times: it is bundled by itself, and needs nothing of the rest.
const { run } = await (process.argv[2] === 'rdiff' ? import('./rdiff-main.ts') : import('./hive-main.ts'))
process.exitCode = await run(process.argv)
if (process.exitCode > 128) {
  const { setTimeout } = await import('node:timers/promises')
  // The other end of a named pipe may hold a thread, and `exit` would wait for it; a signal does not.
  const isHeld = (): boolean => process.getActiveResourcesInfo().some((name) => name.startsWith('FSReq'))
  for (let waits = 0; isHeld() && waits < 50; waits++) await setTimeout(20)
  const number = process.exitCode - 128
  // Node ignores SIGPIPE.
  if (isHeld()) process.kill(process.pid, number === 13 ? 'SIGKILL' : number)
  // Bytes that nobody reads any more would keep a process that was interrupted.
  process.exit()
}
