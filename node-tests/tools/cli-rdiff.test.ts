import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startComb, temporaryDirectory } from '../support/comb.ts'
import { hex } from '../support/jobs.ts'
import { randomBytes } from '../support/streams.ts'
import { inParallel, makeDirectory, type Run, runBoth, runIn, type RunOptions } from './cli-rdiff-runs.ts'

const basis = Buffer.from(randomBytes(3_000, 1))
const edited = Buffer.concat([basis.subarray(1_000), Buffer.from('a line\n'), basis.subarray(0, 2_000)])
/** Made by rdiff, for the cases that need one as input. */
const { signature, delta } = theirFiles()

function theirFiles(): { signature: Buffer; delta: Buffer } {
  const cwd = mkdtempSync(join(tmpdir(), 'comb-rdiff-'))
  try {
    const made = execFileSync('rdiff', ['-b256', 'signature'], { input: basis })
    writeFileSync(join(cwd, 'signature'), made)
    return { signature: made, delta: execFileSync('rdiff', ['delta', 'signature'], { input: edited, cwd }) }
  } finally {
    rmSync(cwd, { recursive: true })
  }
}

/**
 * Returns what scripts see of a success: everything but times and the one line of statistics that only rdiff prints.
 */
function seen({ code, stdout, stderr, files }: Run): object {
  return { code, stdout, files, stderr: stderr.replaceAll(/^librsync: match.*\n| speed\[.*$/gm, '') }
}

describe('`comb rdiff` does the same as rdiff:', () => {
  const files = { basis, signature, delta, edited }
  const actions: [args: string[], options?: RunOptions][] = [
    [['s', 'basis', 'out']],
    [['signatur', 'basis', '-']],
    [['sig', '-', 'out'], { files, inputFile: 'basis' }],
    [['s'], { input: basis }],
    [['', 'basis']],
    [['d', 'signature', 'edited', 'out']],
    [['de', '-', 'edited'], { files, input: signature }],
    [['delta', 'signature', '-', '-'], { files, input: edited }],
    [['p', 'basis', 'delta', 'out']],
    [['patch', 'basis'], { files, input: delta }],
    [['pat', '-', 'delta', 'out'], { files, inputFile: 'basis' }],
  ]
  const options: typeof actions = [
    [['-sb256', '-S8', 's', 'basis', 'out']],
    [['-fs', '--block-size=0x80', '--sum-size', '-1', 's', 'basis', 'edited']],
    [['s', 'basis', '-b=512', 'out', '-S', '010']],
    [['--', 's', 'basis', 'out']],
    [['s', '-b', '', '--', '-basis'], { files: { '-basis': basis } }],
    [['-b', '100', '-b', '+200', '-H', 'blake2', '-Rrabinkarp', 's', 'basis']],
    [['--input-size=100', '-O7', '--statistics', 'd', 'signature', 'edited', 'out']],
    [['-s', 'p', 'basis', 'delta', 'out']],
    [['-s', 's', 'empty', 'out'], { files: { empty: '' } }],
    [['-H', 'none', '-S', '99', '-b-5', 'd', 'signature', 'edited']],
    [['-S-1', 's', 'basis', 'out'], { files: { basis: randomBytes(100_000) } }],
    [['-f', 's', 'basis', '/dev/null']],
  ]

  test.each([
    { what: 'actions and their prefixes, with files and pipes', cases: actions },
    { what: 'options in front of the action and behind it, together, long and short', cases: options },
  ])('$what', async ({ cases }) => {
    await inParallel(cases, async ([args, given = { files }]) => {
      const { theirs, ours } = await runBoth(args, given)
      expect(ours.code, `${args.join(' ')}: ${ours.stderr}`).toBe(0)
      expect({ args, ...seen(ours) }).toEqual({ args, ...seen(theirs) })
    })
  })
})

describe('`comb rdiff` fails as rdiff does, with one line, and leaves everything unchanged:', () => {
  const empty = ''
  const magic = '72730236'
  const misuse: [code: number, args: string[], options?: RunOptions][] = [
    [101, []],
    [101, ['sb', 'basis', 'out']],
    [101, ['-x', 's', 'basis', 'out']],
    [101, ['--block', '256', 's', 'basis', 'out']],
    [101, ['--force=1', 's', 'basis', 'out']],
    [101, ['-b']],
    [101, ['-b', '1k', '--help']],
    [101, ['-I', '2147483648', 's', 'basis', 'out']],
    [101, ['-H', 'sha1', 's', 'basis', 'out']],
    [101, ['-R', '', 's', 'basis', 'out']],
    [101, ['-H', 'constructor', 's', 'basis', 'out']],
    [101, ['-R', 'toString', 's', 'basis', 'out']],
    [101, ['--constructor', 's', 'basis', 'out']],
    [101, ['--__proto__', 's', 'basis', 'out']],
    [101, ['d']],
    [101, ['s', 'basis', 'out', 'more']],
  ]
  const failures: typeof misuse = [
    [100, ['s', 'nothing', 'out']],
    [100, ['p', 'nothing', 'delta', 'out'], { files: { delta } }],
    [100, ['s', 'directory', 'out'], { prepare: (directory) => makeDirectory(directory, 'directory') }],
    [100, ['s', 'basis', 'nothing/out'], { files: { basis } }],
    [100, ['s', 'basis', 'edited'], { files: { basis, edited } }],
    [100, ['d', 'signature', 'edited', 'signature'], { files: { signature, edited } }],
    [100, ['p', '-', 'delta', 'out'], { files: { delta }, input: basis }],
    [103, ['d', 'empty', 'edited', 'out'], { files: { empty, edited } }],
    [103, ['d', 'signature', 'edited', 'out'], { files: { signature: signature.subarray(0, 20), edited } }],
    [103, ['p', 'basis', 'delta', 'out'], { files: { basis, delta: delta.subarray(0, -1) } }],
    [103, ['-f', 'p', 'basis', 'delta', 'out'], { files: { basis, delta: delta.subarray(0, 10), out: 'old' } }],
    [104, ['p', 'basis', 'signature', 'out'], { files: { basis, signature } }],
    [104, ['d', 'signature', 'edited', 'out'], { files: { signature: hex('72730148 00000100 00000008'), edited } }],
    [106, ['d', 'signature', 'edited'], { files: { signature: hex('72730147 00000000 00000008'), edited } }],
    [106, ['p', 'basis', 'delta', 'out'], { files: { basis, delta: hex(`${magic} 55`) } }],
    [106, ['p', 'basis', 'delta', 'out'], { files: { basis, delta: hex(`${magic} 4100 00`) } }],
    [108, ['-S', '33', 's', 'basis', 'out'], { files: { basis } }],
    [108, ['-S-2', '-f', 's', 'basis', 'basis'], { files: { basis } }],
    [108, ['-H', 'md4', '-S17', 's', 'basis', 'out'], { files: { basis } }],
  ]

  test.each([
    { what: 'invalid command lines', cases: misuse },
    { what: 'files that are missing, in the way or wrong', cases: failures },
  ])('$what', async ({ cases }) => {
    await inParallel(cases, async ([code, args, options = { files: { basis } }]) => {
      const { theirs, ours } = await runBoth(args, options)
      expect({ args, theirs: theirs.code, ours: ours.code }).toEqual({ args, theirs: code, ours: code })
      expect(ours.stderr, args.join(' ')).toMatch(/^comb: [^\n]+\n$/)
      expect(ours.stdout.toString(), args.join(' ')).toBe('')
      const { files = {} } = options
      const left = Object.fromEntries(Object.entries(ours.files).filter(([, content]) => content !== '/'))
      const given = Object.fromEntries(Object.entries(files).map(([name, content]) => [name, Buffer.from(content)]))
      expect({ args, files: left }).toEqual({ args, files: given })
    })
  })

  test('and names options as on the command line', async () => {
    const { stderr } = await runIn('comb', ['-S', '33', 's', 'basis', 'out'], { files: { basis } })
    expect(stderr).toBe('comb: --sum-size must be from 1 to 32, got 33\n')
  })

  test('except where the behaviour of rdiff is worse', async () => {
    const worse: [theirs: number, ours: number, args: string[], options: RunOptions][] = [
      // An arbitrary file as a signature, half a weak sum, bytes after the end of a delta, a full disk.
      [106, 104, ['d', 'basis', 'edited', 'out'], { files: { basis, edited } }],
      [0, 103, ['d', 'signature', 'edited'], { files: { signature: signature.subarray(0, 14), edited } }],
      [0, 106, ['p', 'basis', 'delta', 'out'], { files: { basis, delta: Buffer.concat([delta, delta]) } }],
      [0, 100, ['-f', 's', 'basis', '/dev/full'], { files: { basis } }],
      // A copy beyond the end of the basis: rdiff leaves the output so far.
      [103, 103, ['p', 'basis', 'delta', 'out'], { files: { basis: basis.subarray(0, 100), delta } }],
      [
        103,
        103,
        ['p', 'basis', 'delta', 'out'],
        { files: { basis, delta: hex(`${magic} 51 0000000000100000 01 00`) } },
      ],
    ]
    await inParallel(worse, async ([theirCode, ourCode, args, options]) => {
      const { theirs, ours } = await runBoth(args, options)
      expect({ args, theirs: theirs.code, ours: ours.code }).toEqual({ args, theirs: theirCode, ours: ourCode })
      expect(ours.files).not.toHaveProperty('out')
    })
  })
})

test('`comb rdiff` prints its help and its version on standard output, whatever follows', async () => {
  const { theirs, ours } = await runBoth(['-?', '--unknown'], {})
  expect(ours).toMatchObject({ code: 0, stderr: '' })
  const options = (text: Buffer): string[] => text.toString().match(/ --?[a-zA-Z?][a-z-]*/g) ?? []
  expect(options(ours.stdout)).toEqual(expect.arrayContaining(options(theirs.stdout)))
  for (const args of [['-h'], ['s', 'basis', '--help']]) {
    expect(await runIn('comb', args, {})).toMatchObject({ code: 0, stdout: ours.stdout, stderr: '' })
  }
  for (const args of [['-V'], ['s', '--version', '-b', 'x']]) {
    const version = await runIn('comb', args, {})
    expect(version).toMatchObject({ code: 0, stderr: '' })
    expect(version.stdout.toString()).toMatch(/^rdiff \(as of librsync 2\.3\.2, by combstream \d+\.\d+\.\d+\)\n$/)
  }
})

test.runIf(process.platform === 'linux')(
  '`comb rdiff` reads files whose size the system reports as 0, as rdiff does',
  async () => {
    const { theirs, ours } = await runBoth(['s', '/proc/version', 'out'], {})
    expect(theirs.files['out']?.length).toBeGreaterThan(12)
    expect(ours).toMatchObject({ code: 0, files: theirs.files })
  },
)

test.runIf(process.platform === 'linux')(
  '`comb rdiff patch` accepts a device as its basis, and a file whose size the system reports as 0, as rdiff does',
  async () => {
    const version = execFileSync('cat', ['/proc/version'])
    const cases: [path: string, delta: string, code: number, out?: Buffer | string][] = [
      ['/dev/null', '03 616263 00', 0, 'abc'],
      ['/dev/null', '45 00 01 00', 103],
      ['/dev/zero', '4a 0100 0008 00', 0, Buffer.alloc(8)],
      ['/proc/version', '45 02 08 00', 0, version.subarray(2, 10)],
      ['/proc/version', '49 0fff 01 00', 103],
    ]
    await inParallel(cases, async ([path, commands, code, out]) => {
      const files = { delta: hex(`72730236 ${commands}`) }
      const { theirs, ours } = await runBoth(['patch', path, 'delta', 'out'], { files })
      expect({ path, theirs: theirs.code, ours: ours.code }).toEqual({ path, theirs: code, ours: code })
      expect(ours.files['out']).toEqual(out === undefined ? undefined : Buffer.from(out))
      if (out !== undefined) expect(theirs.files['out']).toEqual(ours.files['out'])
      const redirected = await runIn('comb', ['patch', '-', 'delta', 'out'], { files, inputFile: path })
      expect([path, redirected.code, redirected.files['out']]).toEqual([path, code, ours.files['out']])
    })
  },
)

test('`comb rdiff -v` reports that there is no trace, and continues', async () => {
  const { theirs, ours } = await runBoth(['-v', 's', 'basis', 'out'], { files: { basis } })
  expect([theirs, ours]).toMatchObject([{ code: 0 }, { code: 0, files: theirs.files }])
  for (const { stderr } of [theirs, ours]) expect(stderr).toMatch(/^[^\n]+ trace[^\n]*\n$/)
})

describe('`comb rdiff -f patch` onto its own basis', () => {
  const names: Record<string, (directory: string) => void> = {
    basis: () => undefined,
    './basis': () => undefined,
    link: (directory) => symlinkSync('basis', join(directory, 'link')),
    'hard-link': (directory) => linkSync(join(directory, 'basis'), join(directory, 'hard-link')),
  }

  test('updates it, whatever name is used for it', async () => {
    await inParallel(Object.entries(names), async ([name, prepare]) => {
      const files = { basis, delta }
      const done = await runIn('comb', ['-f', 'patch', 'basis', 'delta', name], { files, prepare })
      expect([name, done.code, done.files[name === './basis' ? 'basis' : name]]).toEqual([name, 0, edited])
      expect([name, done.files['basis']]).toEqual([name, name === 'hard-link' ? basis : edited])
    })
  })

  test('leaves it unchanged if the delta is corrupt', async () => {
    await inParallel(Object.entries(names), async ([name, prepare]) => {
      const files = { basis, delta: delta.subarray(0, -1) }
      const failed = await runIn('comb', ['-f', 'patch', 'basis', 'delta', name], { files, prepare })
      expect([name, failed.code, failed.files['basis']]).toEqual([name, 103, basis])
      expect(Object.keys(failed.files)).toHaveLength(name.includes('link') ? 3 : 2)
    })
  })

  test('destroys it with rdiff', async () => {
    const { files } = await runIn('rdiff', ['-f', 'patch', 'basis', 'delta', 'basis'], { files: { basis, delta } })
    expect(files['basis']).not.toEqual(edited)
  })
})

describe('`comb rdiff` ends', () => {
  test('when it has failed, although its standard input stays open', async () => {
    const cwd = temporaryDirectory()
    writeFileSync(join(cwd, 'signature'), signature.subarray(0, 20))
    for (const [args, code] of [
      [['-z'], 101],
      [['s', '-', 'nothing/out'], 100],
      [['d', 'signature', '-'], 103],
    ] as const) {
      const { child, result } = startComb(['rdiff', ...args], { cwd })
      child.stdout.resume()
      expect((await result).code).toBe(code)
    }
  })

  test('without replacing a file that was created in the meantime', async () => {
    const cwd = temporaryDirectory()
    const { child, result } = startComb(['rdiff', 's', '-', 'out'], { cwd })
    child.stdout.resume()
    child.stdin.write('basis')
    await expect.poll(() => readdirSync(cwd)).toHaveLength(1)
    writeFileSync(join(cwd, 'out'), 'of another')
    child.stdin.end()
    expect(await result).toMatchObject({
      code: 100,
      stderr: expect.stringMatching(/file already exists: out\n$/) as string,
    })
    expect(readdirSync(cwd)).toEqual(['out'])
    expect(readFileSync(join(cwd, 'out'), 'utf8')).toBe('of another')
  })

  test('with an error if a file that it reads changes in the meantime, even by one byte that is then restored', async () => {
    const changes: Record<string, (path: string) => void> = {
      longer: (path) => appendFileSync(path, 'more'),
      shorter: (path) => truncateSync(path, 1_000),
      other: (path) => {
        const { atime, mtime } = statSync(path)
        writeFileSync(path, randomBytes(basis.byteLength, 9))
        utimesSync(path, atime, mtime)
      },
    }
    await inParallel(Object.entries(changes), async ([what, change]) => {
      const cwd = temporaryDirectory()
      writeFileSync(join(cwd, 'basis'), basis)
      const { child, result } = startComb(['rdiff', 'patch', 'basis', '-', 'out'], { cwd })
      child.stdout.resume()
      child.stdin.write(delta.subarray(0, 5))
      await expect.poll(() => readdirSync(cwd)).toHaveLength(2)
      change(join(cwd, 'basis'))
      child.stdin.end(delta.subarray(5))
      const { code, stderr } = await result
      expect({ what, code }).toEqual({ what, code: what === 'shorter' ? 103 : 100 })
      if (what !== 'shorter') expect(stderr).toBe('comb: basis has been changed\n')
      expect(readdirSync(cwd)).toEqual(['basis'])
    })
  })

  test('by a signal, and leaves no file', async () => {
    const cwd = temporaryDirectory()
    writeFileSync(join(cwd, 'out'), 'old')
    const { child, result } = startComb(['rdiff', '-f', '-O1', 's', '-', 'out'], { cwd })
    child.stdout.resume()
    child.stdin.write(randomBytes(3_000_000))
    await expect.poll(() => readdirSync(cwd)).toHaveLength(2)
    child.kill('SIGINT')
    expect((await result).code).toBe(130)
    expect(readdirSync(cwd)).toEqual(['out'])
    expect(readFileSync(join(cwd, 'out'), 'utf8')).toBe('old')
  })
})
