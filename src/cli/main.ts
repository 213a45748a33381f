#!/usr/bin/env node
// Node 22 announces node:sqlite as experimental, on stderr, where it would stand between our lines. The warning is
// made when the module is loaded, so this comes before everything else, which is why that is imported below.
const { emitWarning } = process
process.emitWarning = (warning: string | Error, ...rest: never[]): void => {
  if (!String(warning).includes('SQLite')) emitWarning.call(process, warning, ...rest)
}

const { runComb } = await import('./program.ts')
process.exitCode = await runComb(process.argv)
