import { printLine, writeError } from './print-line.ts'
import { parseRdiffArguments } from './rdiff-arguments.ts'
import { rdiffError } from './rdiff-error.ts'
import { RDIFF_JOBS } from './rdiff-jobs.ts'
import { readVersion } from './read-version.ts'

/** Runs `comb rdiff`. The rest of the command line has the grammar of rdiff. */
export async function runRdiff(args: readonly string[], signal: AbortSignal): Promise<void> {
  try {
    await rdiff(args, signal)
  } catch (error) {
    throw rdiffError(error)
  }
}

async function rdiff(args: readonly string[], signal: AbortSignal): Promise<void> {
  const request = parseRdiffArguments(args)
  if (request.kind === 'help' || request.kind === 'version') {
    const [{ RDIFF_HELP }, { writeOut }] = await Promise.all([import('./rdiff-help.ts'), import('./stdio.ts')])
    const version = `rdiff (as of librsync 2.3.2, by combstream ${readVersion()})\n`
    return writeOut(request.kind === 'help' ? RDIFF_HELP : version)
  }
  const { files, options } = request
  if (options.verbose) printLine('there is no trace to show; -v has no effect')
  const lines = await RDIFF_JOBS[request.kind](files, options, signal)
  if (options.statistics) writeError(lines.join(''))
}
