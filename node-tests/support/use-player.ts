import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { type PlayerServer, startPlayer } from './player-server.ts'

/** The example server of the tests of a file. */
export interface UsedPlayer {
  /** A folder for files. It is removed after the tests. */
  readonly folder: string
  /** URL of the page, with a trailing slash; only in tests and hooks. */
  readonly url: string
}

/** Runs the example server, with a new hive, during the tests of a file. */
export function usePlayer(): UsedPlayer {
  const folder = mkdtempSync(join(tmpdir(), 'combstream-'))
  let server: PlayerServer | undefined
  beforeAll(async () => {
    server = await startPlayer(join(folder, 'hive'))
  })
  afterAll(() => {
    server?.child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })
  return {
    folder,
    get url() {
      return server!.url
    },
  }
}
