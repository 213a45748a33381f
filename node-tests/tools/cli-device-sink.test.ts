import { execFileSync } from 'node:child_process'
import fs, { constants } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { deviceSink } from '../../src/cli/device-sink.ts'
import { temporaryDirectory } from '../support/comb.ts'
import { randomBytes, rejection, soon, standstill } from '../support/streams.ts'

function hasBytes(pipe: number): boolean {
  try {
    return fs.readSync(pipe, new Uint8Array(1)) === 1
  } catch {
    // EAGAIN: the descriptor is not ready yet.
    return false
  }
}

test('deviceSink closes its descriptor once, and not before a blocked write has ended', async () => {
  const pipe = join(temporaryDirectory(), 'pipe')
  execFileSync('mkfifo', [pipe])
  const reader = fs.openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK)
  const { closeSync } = fs
  const closed: number[] = []
  let onClose = (): void => undefined
  fs.closeSync = (fd) => {
    closed.push(fd)
    closeSync(fd)
    onClose()
  }
  syncBuiltinESMExports()
  onTestFinished(() => {
    fs.closeSync = closeSync
    syncBuiltinESMExports()
  })

  const controller = new AbortController()
  const { signal } = controller
  const sink = await deviceSink(pipe, signal)
  const writer = sink.getWriter()
  // More than a pipe holds.
  const written = rejection(writer.write(randomBytes(2_000_000)))
  await expect.poll(() => hasBytes(reader)).toBe(true)
  controller.abort('stop')
  await Promise.all([writer.abort('stop'), rejection(writer.closed)])
  expect(await written).toBe('stop')
  await standstill()
  expect(closed).toEqual([])

  const isClosed = new Promise<void>((resolve) => {
    onClose = resolve
  })
  closeSync(reader)
  await soon(isClosed, 'the end of the held write')
  await standstill()
  expect(closed).toHaveLength(1)
})
