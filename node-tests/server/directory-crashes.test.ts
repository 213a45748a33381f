import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCrashLoop } from '../support/crash-loop.ts'

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'combstream-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

describe('a directory whose processes are killed', () => {
  // With the kills of crash-loop.test.ts, which come at every step, these are 200 in Node 24. Other runtimes kill 12.
  // scripts/crash-loop.mjs kills any number of times.
  it('keeps what was acknowledged, and is recovered completely', async () => {
    const { problems, histogram } = await runCrashLoop(root, {
      kills: 12,
      seed: navigator.userAgent.length,
      manner: 'hasty',
    })
    expect(problems).toEqual([])
    expect([...histogram.values()].reduce((sum, count) => sum + count, 0)).toBe(12)
  })
})
