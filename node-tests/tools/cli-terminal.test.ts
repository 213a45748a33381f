import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { comb, combInProcess, COMB_MAIN, temporaryDirectory } from '../support/comb.ts'
import { storeEntry } from '../support/stored-entry.ts'
import { randomBytes } from '../support/streams.ts'

/** `script` from util-linux, which every Debian has, runs a command on a terminal of its own. */
const hasTerminal = process.platform === 'linux' && spawnSync('script', ['--version']).status === 0

/** Runs `comb` on a terminal. Returns what the terminal shows, including escape sequences. */
async function onTerminal(args: readonly string[]): Promise<{ code: number; screen: string }> {
  const command = [process.execPath, COMB_MAIN, ...args].map((word) => `'${word}'`).join(' ')
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, TERM: 'xterm' },
  })
  let screen = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen += text
  })
  const [code] = (await once(child, 'close')) as [number]
  return { code, screen }
}

describe.runIf(hasTerminal || process.env['CI'] !== undefined)('`comb` on a terminal', () => {
  test('shows its progress, and a summary at the end', async () => {
    const directory = temporaryDirectory()
    const [hive, file] = [join(directory, 'hive'), join(directory, 'file')]
    writeFileSync(file, randomBytes(20_000_000))
    for (const args of [
      ['put', hive, 'a\u001bb', file],
      ['get', hive, 'a\u001bb', file],
    ]) {
      const { code, screen } = await onTerminal(args)
      expect(code).toBe(0)
      expect(screen).toMatch(/a\\u\{1b\}b {2}[=-]{24} +\d+ % {2}[\d.]+ k?M?B of 20\.0 MB {2}[\d.]+ k?M?B\/s/)
      expect(screen).toMatch(/a\\u\{1b\}b {2}20\.0 MB in \d+\.\d s, [\d.]+ MB\/s\r\n$/)
    }
    expect((await onTerminal(['get', hive, 'a\u001bb', file, '--no-progress'])).screen).toBe('')
  })

  test('shows the progress of a check', async () => {
    const hive = join(temporaryDirectory(), 'hive')
    await storeEntry(hive, 'x', randomBytes(2_500_000))
    const { code, screen } = await onTerminal(['check', hive])
    expect(code).toBe(0)
    expect(screen).toMatch(/checked {2}[=-]{24} +\d+ % {2}[\d.]+ k?M?B of 2\.50 MB/)
    expect(screen).toMatch(/checked {2}2\.50 MB in \d+\.\d s, [\d.]+ \w+\/s\r\nchecked 1 stream with 3 blocks.*\r\n$/)
    expect((await onTerminal(['check', hive, '--no-progress'])).screen).toBe(
      'checked 1 stream with 3 blocks, 2.50 MB: no damage\r\n',
    )
  })

  test('removes the bar before it reports a failure', async () => {
    const directory = temporaryDirectory()
    const [hive, file] = [join(directory, 'hive'), join(directory, 'file')]
    writeFileSync(file, 'bytes')
    await comb(['put', hive, 'x', file])
    const { code, screen } = await onTerminal(['put', hive, 'x', file, '--new'])
    expect(code).toBe(1)
    // This escape sequence erases the whole line.
    expect(screen.split('\u001b[2K').at(-1)).toBe('comb: the entry exists: x\r\n')
  })

  test('shows no bar when the bytes go to the terminal, and prints rounded sizes', async () => {
    const hive = join(temporaryDirectory(), 'hive')
    await storeEntry(hive, 'x.txt', 'b'.repeat(1234))
    expect((await onTerminal(['get', hive, 'x.txt'])).screen).toBe('b'.repeat(1234))
    expect((await onTerminal(['ls', hive, '--long'])).screen).toMatch(/^1\.23 kB {2}\d{4}-.*x\.txt\r\n$/)
    expect((await onTerminal(['stat', hive, 'x.txt'])).screen).toContain('size      1234 (1.23 kB)\r\n')
  })
})

test('`comb` shows no bar in a pipe', async () => {
  const hive = join(temporaryDirectory(), 'hive')
  await storeEntry(hive, 'x', randomBytes(5_000_000))
  expect(await combInProcess(['get', hive, 'x'])).toMatchObject({ code: 0, stderr: '' })
})
