import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { run } from '../../scripts/run.mjs'

test('`run` returns the exit code and everything that the command wrote', async () => {
  const { code, timedOut, output } = await run(['sh', '-c', 'echo out; echo err >&2; exit 3'], { timeoutMs: 10_000 })
  expect({ code, timedOut, lines: output.trim().split('\n').toSorted() }).toEqual({
    code: 3,
    timedOut: false,
    lines: ['err', 'out'],
  })
})

test('`run` reports a command that does not exist', async () => {
  const { code, output } = await run(['no-such-command'], { timeoutMs: 10_000 })
  expect(code).toBe(null)
  expect(output).toContain('no-such-command')
})

test('`run` kills a command that takes too long, and a grandchild that moved to a process group of its own', async () => {
  const leave = process.platform === 'linux' ? 'setsid ' : ''
  const { timedOut, output } = await run(['sh', '-c', `${leave}sleep 60 & echo $!; sleep 60`], { timeoutMs: 3_000 })
  expect(timedOut).toBe(true)
  const grandchild = Number(output)
  expect(grandchild).toBeGreaterThan(1)
  await expect.poll(() => isRunning(grandchild)).toBe(false)
})

test('`run` returns when its command exits, and leaves no process behind that keeps the output open', async () => {
  const { code, timedOut, output } = await run(['sh', '-c', 'sleep 60 & echo $!'], { timeoutMs: 20_000 })
  expect({ code, timedOut }).toEqual({ code: 0, timedOut: false })
  await expect.poll(() => isRunning(Number(output))).toBe(false)
})

function isRunning(pid: number): boolean {
  const stat = `/proc/${pid}/stat`
  // A killed process stays listed as a zombie on systems where no process reaps orphans.
  return existsSync('/proc/self') ? existsSync(stat) && !readFileSync(stat, 'utf8').includes(') Z') : signalReaches(pid)
}

function signalReaches(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
