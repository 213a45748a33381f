import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { directoryBackend } from '../../src/backends/directory.ts'
import type { Backend } from '../../src/store.ts'
import { backendCases } from '../../src/testing.ts'
import { CAN_MOUNT, type Mounted, mountSmall } from '../support/file-systems.ts'
import { sample } from '../support/sample.ts'
import { settledBackend } from '../support/settled-backend.ts'

let root = ''
let made = 0
let mounted: Mounted | undefined
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'combstream-'))
})
afterEach(() => {
  mounted?.unmount()
  mounted = undefined
})
afterAll(() => rm(root, { recursive: true, force: true }))

const open = (): Promise<Backend> => directoryBackend(join(root, String(made)))
const openNew = (): Promise<Backend> => {
  made++
  return open()
}
const openSmall = (): Promise<Backend> => {
  mounted = mountSmall(root, 'size=3m')
  return directoryBackend(join(mounted.path, 'hive'))
}

describe('directoryBackend', () => {
  const cases = backendCases(openNew, { reopen: open, ...(CAN_MOUNT && { makeSmall: openSmall }) })
  it.each(cases)('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })

  const withFaults = backendCases(async () => settledBackend(await openNew()), { reopen: open })
  it.each(sample(withFaults))('$name, with faults', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })
})
