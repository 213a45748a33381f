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

  it('reads an object into memory that the caller gives, if it has the right length', async () => {
    const { blocks } = memoryBackend()
    await blocks.put('o.00', Uint8Array.of(1, 2, 3))
    for (const length of [3, 4]) {
      const into = new Uint8Array(length)
      const bytes = await blocks.get('o.00', { into })
      expect(bytes).toEqual(Uint8Array.of(1, 2, 3))
      expect(bytes === into).toBe(length === 3)
      bytes!.fill(9)
    }
    expect(await blocks.get('o.00')).toEqual(Uint8Array.of(1, 2, 3))
  })

  it('refuses to put a name twice: names are one-shot', async () => {
    const { blocks } = memoryBackend()
    await blocks.put('o.00', new Uint8Array([1]))
    await expect(blocks.put('o.00', new Uint8Array([1]))).rejects.toThrow(BackendError)
  })
})
