import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { directoryBackend } from '../../../src/backends/directory.ts'
import type { Backend } from '../../../src/store.ts'
import { lazyBackend, removeAfterEach } from './lazy-backend.ts'

export { BackendError } from '../../../src/errors.ts'

removeAfterEach()

/** Stands in for the memory backend: a hive in a new directory. */
export function memoryBackend(): Backend {
  return lazyBackend(async () => {
    const { path, remove } = await temporaryPlace()
    return { backend: await directoryBackend(path, { thread: false }), remove }
  })
}

/** A new directory. */
export async function temporaryPlace(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'combstream-'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}
