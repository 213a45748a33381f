import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const CHILD = fileURLToPath(new URL('../support/tiny-writes-child.ts', import.meta.url))

test('a sink keeps no memory for finished writes, however many there are', async () => {
  // At 130 bytes for each write, it would run out of memory.
  const child = spawn(process.execPath, ['--max-old-space-size=50', CHILD, '400000'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  expect(await once(child, 'close')).toEqual([0, null])
  expect(output).toBe('40000000\n')
})
