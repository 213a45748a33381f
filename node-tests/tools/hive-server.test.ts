import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { type HiveServer, startHiveServer } from '../../src/cli/hive-server.ts'
import { bytesSource } from '../../src/index.ts'
import { type Hive, LocalHive } from '../../src/hive.ts'
import { StreamStore } from '../../src/store.ts'

afterEach(() => void vi.useRealTimers())

function start(hive: Hive): Promise<HiveServer> {
  const port = 0
  return startHiveServer(hive, {
    host: '127.0.0.1',
    port,
    token: undefined,
    allowHost: [],
    allowOrigin: [],
    log: false,
  })
}

test('a server closes without waiting for a timer, although an idle client stays connected', async () => {
  const { url, close } = await start(new LocalHive(new StreamStore(memoryBackend())))
  const response = await fetch(url)
  expect(response.status).toBe(200)
  await response.text()
  // From here on no timer ends, so that nothing can be waited for but the connections.
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  await close()
  await expect(fetch(url)).rejects.toThrow(TypeError)
})

test('a server that closes cuts off after half a second who does not read, and not before', async () => {
  const hive = new LocalHive(new StreamStore(memoryBackend()))
  await bytesSource(new Uint8Array(50_000_000)).stream().pipeTo(hive.sink('x'))
  const { url, close } = await start(hive)
  const { host, hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  onTestFinished(() => void socket.destroy())
  socket.write(`GET /x HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  await once(socket, 'readable')
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const closed = close()
  vi.advanceTimersByTime(499)
  let isClosed = false
  void closed.then(() => (isClosed = true))
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
  expect(isClosed).toBe(false)
  vi.advanceTimersByTime(1)
  await closed
})
