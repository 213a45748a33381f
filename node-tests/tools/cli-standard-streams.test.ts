import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { comb, COMB_MAIN, type CombResult, temporaryDirectory } from '../support/comb.ts'
import { randomBytes } from '../support/streams.ts'

/** Runs `comb` with the redirections of a shell, such as `<file`. */
function redirected(redirections: string, args: readonly string[], cwd: string): Promise<CombResult> {
  const shell = `exec "$@" ${redirections}`
  return comb(args, { cwd, command: ['sh', '-c', shell, 'sh', process.execPath, COMB_MAIN] })
}

/** Makes a directory with a hive of one entry, the files of an rdiff update, and a subdirectory. */
async function prepare(): Promise<string> {
  const cwd = temporaryDirectory()
  mkdirSync(join(cwd, 'directory'))
  writeFileSync(join(cwd, 'basis'), randomBytes(100_000, 1))
  writeFileSync(join(cwd, 'edited'), randomBytes(100_000, 2))
  for (const args of [
    ['put', 'hive', 'x', 'basis'],
    ['rdiff', 'signature', 'basis', 'signature'],
    ['rdiff', 'delta', 'signature', 'edited', 'delta'],
  ]) {
    expect(await comb(args, { cwd })).toMatchObject({ code: 0, stderr: '' })
  }
  return cwd
}

describe('`comb` refuses a standard stream that is a directory:', () => {
  test('standard input', async () => {
    const cwd = await prepare()
    for (const [code, ...args] of [
      [1, 'put', 'hive', 'x', '-'],
      [100, 'rdiff', 'signature'],
      [100, 'rdiff', 'delta', 'signature'],
      [100, 'rdiff', 'delta', '-', 'edited'],
      [100, 'rdiff', 'patch', 'basis'],
      [100, 'rdiff', 'patch', '-', 'delta'],
    ] as const) {
      const { stdout, ...result } = await redirected('<directory', args, cwd)
      expect({ args, ...result, stdout: stdout.length }).toMatchObject({ args, code, stdout: 0 })
      expect(result.stderr).toMatch(/^comb: [^\n]+\n$/)
    }
    expect((await comb(['get', 'hive', 'x'], { cwd })).stdout.equals(readFileSync(join(cwd, 'basis')))).toBe(true)
  })

  test('standard output', async () => {
    const cwd = await prepare()
    for (const [code, ...args] of [
      [1, '--version'],
      [1, 'get', '--help'],
      [1, 'get', 'hive', 'x'],
      [1, 'ls', 'hive'],
      [1, 'stat', 'hive', 'x'],
      [1, 'serve', 'hive', '--port', '0'],
      [100, 'rdiff', 'signature', 'basis'],
      [100, 'rdiff', 'delta', 'signature', 'edited'],
      [100, 'rdiff', 'patch', 'basis', 'delta'],
    ] as const) {
      const { stderr, ...result } = await redirected('1<directory', args, cwd)
      expect({ args, ...result }).toMatchObject({ args, code })
      expect(stderr).toBe('comb: not open for this operation\n')
    }
  })
})

/**
 * Makes a block device with these bytes that exists while the test runs. Returns undefined where that is not allowed.
 */
function blockDevice(directory: string, bytes: Uint8Array): string | undefined {
  const image = join(directory, 'image')
  writeFileSync(image, bytes)
  try {
    const device = execFileSync('losetup', ['--find', '--show', image], { stdio: 'pipe' }).toString().trim()
    onTestFinished(() => void execFileSync('losetup', ['--detach', device]))
    return device
  } catch {
    return undefined
  }
}

test('`comb` reads and writes a standard stream that is a block device', async ({ skip }) => {
  const cwd = await prepare()
  const bytes = randomBytes(1_048_576, 3)
  const device = blockDevice(cwd, bytes)
  if (device === undefined) {
    skip('this machine does not allow loop devices')
    return
  }

  expect(await redirected(`<${device}`, ['put', 'hive', 'y', '-'], cwd)).toMatchObject({ code: 0, stderr: '' })
  expect((await comb(['get', 'hive', 'y'], { cwd })).stdout.equals(bytes)).toBe(true)
  for (const args of [['signature'], ['-I1000', 'signature'], ['delta', 'signature']]) {
    const { code, stdout, stderr } = await redirected(`<${device}`, ['rdiff', ...args], cwd)
    expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: '' })
    // For input without a file size, rdiff uses small blocks too.
    const theirs = execFileSync('rdiff', args, { cwd, input: bytes, maxBuffer: 2 * bytes.byteLength })
    if (args.includes('signature') && !args.includes('delta')) expect(stdout.equals(theirs)).toBe(true)
    writeFileSync(join(cwd, 'out'), stdout)
  }
  execFileSync('rdiff', ['patch', 'basis', 'out', 'patched'], { cwd })
  expect(readFileSync(join(cwd, 'patched')).equals(bytes)).toBe(true)

  writeFileSync(join(cwd, 'longer'), Buffer.concat([bytes.subarray(500_000), Buffer.from('honey')]))
  const signature = execFileSync('rdiff', ['signature', 'image'], { cwd, maxBuffer: bytes.byteLength })
  writeFileSync(join(cwd, 'delta'), execFileSync('rdiff', ['delta', '-', 'longer'], { cwd, input: signature }))
  for (const [redirection, basis] of [
    ['', device],
    [`<${device}`, '-'],
  ] as const) {
    const { code, stdout, stderr } = await redirected(redirection, ['rdiff', 'patch', basis, 'delta'], cwd)
    expect({ basis, code, stderr }).toEqual({ basis, code: 0, stderr: '' })
    expect(stdout.equals(readFileSync(join(cwd, 'longer')))).toBe(true)
  }

  expect(await redirected(`>${device}`, ['get', 'hive', 'x'], cwd)).toMatchObject({ code: 0, stderr: '' })
  expect(readFileSync(device).equals(Buffer.concat([randomBytes(100_000, 1), bytes.subarray(100_000)]))).toBe(true)
})

describe('`comb` with a standard stream that is closed', () => {
  test('does not read it', async () => {
    const cwd = await prepare()
    for (const [code, ...args] of [
      [1, 'put', 'hive', 'x', '-'],
      [100, 'rdiff', 'signature'],
      [100, 'rdiff', 'delta', 'signature'],
      [100, 'rdiff', 'patch', 'basis'],
      [100, 'rdiff', 'patch', '-', 'delta'],
    ] as const) {
      const { stdout, ...result } = await redirected('<&-', args, cwd)
      expect({ args, ...result, stdout: stdout.length }).toMatchObject({ args, code, stdout: 0 })
      expect(result.stderr).toBe('comb: standard input is closed\n')
      const { stderr } = await redirected('</dev/null', args, cwd)
      expect(stderr).not.toContain('closed')
    }
  })

  test('does not count bytes that it could not write', async () => {
    const cwd = await prepare()
    for (const [code, ...args] of [
      [1, 'get', 'hive', 'x'],
      [1, 'get', 'hive', 'x', '-', '--range', '0-9'],
      [100, 'rdiff', 'signature', 'basis'],
      [100, 'rdiff', 'delta', 'signature', 'edited'],
      [100, 'rdiff', 'patch', 'basis', 'delta'],
    ] as const) {
      const { stderr, ...result } = await redirected('>&-', args, cwd)
      expect({ args, ...result }).toMatchObject({ args, code })
      expect(stderr).toBe('comb: standard output is closed\n')
      expect(await redirected('>/dev/null', args, cwd)).toMatchObject({ code: 0, stderr: '' })
    }
  })
})
