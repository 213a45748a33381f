import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { WholeProcess } from './whole-process.ts'

/** Runs rdiff with these arguments. */
export async function rdiff(...args: string[]): Promise<void> {
  await promisify(execFile)('rdiff', ['-f', ...args])
}

/**
 * Returns the first line of `rdiff --version`.
 *
 * @throws {Error} if rdiff is not installed.
 */
export async function rdiffVersion(): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('rdiff', ['--version'])
    return stdout.split('\n')[0]!
  } catch (error) {
    throw new Error("this bench needs rdiff: install Debian's package rdiff", { cause: error })
  }
}

/** rdiff with these arguments, including its start and exit. */
export function rdiffProcess(...args: string[]): WholeProcess {
  return new WholeProcess(['rdiff', '-f', ...args])
}
