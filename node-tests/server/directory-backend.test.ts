import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { directoryBackend } from '../../src/backends/directory.ts'
import { backendCases } from '../../src/testing.ts'

let root = ''
let made = 0
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'combstream-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

describe('directoryBackend', () => {
  it.each(backendCases(() => directoryBackend(join(root, String(made++)))))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })
})
