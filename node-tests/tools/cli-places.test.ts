import { existsSync } from 'node:fs'
import process from 'node:process'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { runProgram } from '../../src/cli/program.ts'
import { reportError } from '../../src/cli/report.ts'

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

/** Runs `comb` in this process, which is sooner than to start one; it must fail. */
async function failure(args: readonly string[]): Promise<{ code: number; stderr: string }> {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  try {
    const run = runProgram(['node', 'comb', ...args], { signal: AbortSignal.abort() })
    const code = reportError(
      await run.then(
        () => undefined,
        (error: unknown) => error,
      ),
    )
    return { code, stderr: write.mock.calls.map(([text]) => String(text)).join('') }
  } finally {
    write.mockRestore()
  }
}

const FILE = 'package.json'

describe('an address with a password that is wrong', () => {
  test.each([
    'postgres://hive@srv:h1dd3n@127.0.0.1:99999/hives',
    'postgres://hive:h1d d3n@127.0.0.1:99999/hives',
    'postgres://hive:h1dd3n/h1dd3n@127.0.0.1/hives',
    'postgres:/hive:h1dd3n@127.0.0.1/hives',
    'postgres:hive:h1dd3n@127.0.0.1/hives',
    'postgres:h1dd3n',
    'hive:h1dd3n@127.0.0.1/hives',
    'hive@srv:h1d d3n@127.0.0.1:5432/hives',
    'mysql://hive@srv:h1dd3n@127.0.0.1/hives',
    'https://hive:h1d d3n@127.0.0.1:99999/',
    'http:/hive:h1dd3n@127.0.0.1/',
    's3:/AKIA:h1dd3n@hives/x',
    's3://AKIA:h1dd3n@hives/x',
    's3://hives:h1dd3n/x',
  ])('is shown in no message, and no directory is named like it: %s', async (place) => {
    const instead = /--metadata names a database, and --blocks an object store|use a token/
    const runs: (readonly [args: readonly string[], named: RegExp])[] = [
      [['ls', place], instead],
      [['put', place, 'a', FILE], instead],
      [['serve', '--port', '0', place], instead],
      [['gc', place], instead],
      [['check', place], instead],
      [['put', 'a', FILE, '--metadata', place], /--metadata/],
      [['put', 'a', FILE, '--metadata', './rows', '--blocks', place], /--blocks/],
      [[`${place}@`], /unknown command/],
    ]
    for (const [args, named] of runs) {
      const { code, stderr } = await failure(args)
      expect({ args, code }).toEqual({ args, code: 2 })
      expect(stderr).toMatch(/^comb: .*\n$/)
      expect(stderr).toMatch(named)
      expect(stderr).not.toMatch(/h1d|d3n/)
    }
    expect([place, place.split('/')[0]!, './rows'].filter((path) => existsSync(path))).toEqual([])
  })
})
