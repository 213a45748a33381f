import { afterEach, expect, test, vi } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { startHiveServer } from '../../src/cli/hive-server.ts'
import { LocalHive } from '../../src/hive.ts'
import { StreamStore } from '../../src/store.ts'

afterEach(() => void vi.useRealTimers())

test('a server closes without waiting for a timer, although an idle client stays connected', async () => {
  const hive = new LocalHive(new StreamStore(memoryBackend()))
  const { url, close } = await startHiveServer(hive, {
    host: '127.0.0.1',
    port: 0,
    token: undefined,
    allowHost: [],
    allowOrigin: [],
    log: false,
  })
  const response = await fetch(url)
  expect(response.status).toBe(200)
  await response.text()
  // From here on no timer ends, so that nothing can be waited for but the connections.
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  await close()
  await expect(fetch(url)).rejects.toThrow(TypeError)
})
