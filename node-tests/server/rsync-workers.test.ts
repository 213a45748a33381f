import { spawn } from 'node:child_process'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { createThread } from '../../src/platform.ts'
import { soon } from '../support/streams.ts'
import { describeWorkerPool } from '../support/worker-pool-suite.ts'

const SCRIPT = new URL('../../src/rsync-worker.ts', import.meta.url)
const CHILD = fileURLToPath(new URL('../support/pool-child.ts', import.meta.url))

await describeWorkerPool('threads', { create: createThread, tellsEnd: true, isDealt: true })

// Deno and Bun have web workers as well.
if ('Worker' in globalThis) {
  await describeWorkerPool('web workers', {
    create: () => new Worker(SCRIPT, { type: 'module' }),
    createMissing: () => new Worker(new URL('missing.ts', SCRIPT), { type: 'module' }),
    tellsEnd: 'Bun' in globalThis,
    isDealt: false,
  })
}

test('threads keep the process alive while they work, and no longer', async () => {
  const runner = 'Deno' in globalThis ? ['run', '-A'] : []
  const child = spawn(process.execPath, [...runner, CHILD], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  const ended = new Promise((resolve) => child.on('close', resolve))
  try {
    expect(await soon(ended, 'the end of the process')).toBe(0)
  } finally {
    child.kill()
  }
  expect(output).toBe('87924\n')
})
