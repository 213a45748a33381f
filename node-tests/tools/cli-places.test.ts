import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { runProgram } from '../../src/cli/program.ts'
import { reportError } from '../../src/cli/report.ts'
import { directoryBackend } from '../../src/backends/directory.ts'
import { temporaryDirectory } from '../support/comb.ts'

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

/** Runs `comb` in this process, which is sooner than to start one; it must fail. */
async function failure(args: readonly string[]): Promise<{ code: number; stderr: string }> {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  try {
    const run = runProgram(['node', 'comb', ...args], { signal: new AbortController().signal })
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

describe('COMB_METADATA', () => {
  const DATABASE = 'postgres://hive@127.0.0.1:1/hives'

  test('and --metadata take the place of HIVE, as the message for one argument too many says', async () => {
    const commands = [
      ['ls', './data'],
      ['stat', './data', 'a'],
      ['rm', './data', 'a'],
      ['put', './data', 'a', FILE],
      ['get', './data', 'a', 'file'],
      ['gc', './data'],
      ['check', './data'],
      ['serve', './data'],
    ]
    for (const args of commands) {
      const replaced = ['gc', 'check'].includes(args[0]!) ? '<dir>' : args[0] === 'serve' ? '[dir]' : '<hive>'
      const line = (by: string): string =>
        `comb: too many arguments for '${args[0]}': ${by} takes the place of ${replaced}\n`
      expect(await failure([...args, '--metadata', DATABASE])).toEqual({ code: 2, stderr: line('--metadata') })
      vi.stubEnv('COMB_METADATA', DATABASE)
      expect(await failure(args)).toEqual({ code: 2, stderr: line('COMB_METADATA') })
      vi.unstubAllEnvs()
    }
  })

  test('does not let HIVE be taken for ALIAS, and ALIAS for a file that is replaced', async () => {
    vi.stubEnv('COMB_METADATA', DATABASE)
    const directory = temporaryDirectory()
    const hive = join(directory, 'data')
    await (await directoryBackend(hive)).close()
    const film = join(directory, 'film.mp4')
    writeFileSync(film, 'a film')
    for (const place of [hive, 'http://127.0.0.1:1/', 'HTTPS://hive.example/', 'postgres:hive:secret', 's3://secret']) {
      for (const args of [
        ['get', place, film],
        ['get', place, film, '--range', '0-1'],
        ['put', place, film],
        ['stat', place],
        ['rm', place],
      ]) {
        expect({ args, ...(await failure(args)) }).toEqual({
          args,
          code: 2,
          stderr:
            'comb: COMB_METADATA takes the place of <hive>: leave <hive> out, or unset COMB_METADATA; for an entry of this name, use --metadata\n',
        })
      }
    }
    expect(readFileSync(film, 'utf8')).toBe('a film')
  })

  test('does not refuse other aliases, and --metadata takes any', async () => {
    const rows = join(temporaryDirectory(), 'rows')
    vi.stubEnv('COMB_METADATA', rows)
    const missing = { code: 1, stderr: `comb: there is no hive in ${rows}\n` }
    expect(await failure(['stat', 'node-tests'])).toEqual(missing)
    expect(await failure(['stat', 'http:x', '--metadata', rows])).toEqual(missing)
  })
})

describe('what is wrong is said with the name of the option', () => {
  test.each([
    [['ls', '--blocks', 's3://b'], '--blocks needs --metadata, which says where the rows are'],
    [['get', 'a', '--blocks', 's3://b'], '--blocks needs --metadata, which says where the rows are'],
    [['gc', '--blocks', 's3://b'], '--blocks needs --metadata, which says where the rows are'],
    [['ls'], "missing required argument 'hive'"],
    [
      ['ls', '--metadata', 'postgres://hive:p%w@127.0.0.1:1/hives'],
      '--metadata has a % that is not part of a percent-encoded character; write it as %25',
    ],
    [
      ['ls', '--metadata', 'postgres://hi%ffve@127.0.0.1:1/hives'],
      '--metadata has a % that is not part of a percent-encoded character; write it as %25',
    ],
  ])('%j', async (args, line) => {
    expect(await failure(args)).toEqual({ code: 2, stderr: `comb: ${line}\n` })
  })
})
