import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { BackendError } from '../../src/errors.ts'
import { backendCases } from '../../src/testing.ts'
import { settledBackend } from '../support/settled-backend.ts'

describe('memoryBackend', () => {
  it.each(backendCases(() => memoryBackend()))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })

  it.each(backendCases(() => settledBackend(memoryBackend())))('$name, with faults', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })

  it('refuses to put a name twice: names are one-shot', async () => {
    const { blocks } = memoryBackend()
    await blocks.put('o.00', new Uint8Array([1]))
    await expect(blocks.put('o.00', new Uint8Array([1]))).rejects.toThrow(BackendError)
  })
})
