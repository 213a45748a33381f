import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

/** Runs a program of the tests with a heap of 50 MB. Returns what it prints. */
async function runInSmallHeap(program: string, count: number): Promise<string> {
  const path = fileURLToPath(new URL(`../support/${program}.ts`, import.meta.url))
  const child = spawn(process.execPath, ['--max-old-space-size=50', path, String(count)], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  expect(await once(child, 'close')).toEqual([0, null])
  return output
}

test('a sink keeps no memory for finished writes, however many there are', async () => {
  // At 130 bytes for each write, it would run out of memory.
  expect(await runInSmallHeap('tiny-writes-child', 400_000)).toBe('40000000\n')
})

test('a store keeps no memory for streams that have ended, however they ended', async () => {
  // At 5 kB for each of one kind alone, it would run out of memory.
  expect(await runInSmallHeap('tiny-reads-child', 50_000)).toBe('50000\n')
})
