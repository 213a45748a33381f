import { mkdtemp, readdir, readFile, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll } from 'vitest'
import { directoryBackend } from '../../src/backends/directory.ts'
import { healingSuite } from '../support/healing-suite.ts'

const cleanups: (() => Promise<unknown>)[] = []
afterAll(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup()
})

healingSuite(
  'a content in a directory, whose files come to harm',
  async () => {
    const path = await mkdtemp(join(tmpdir(), 'combstream-healing-'))
    cleanups.push(() => rm(path, { recursive: true }))
    const backend = await directoryBackend(path)
    cleanups.push(() => backend.close())
    return {
      backend,
      async harm(object, harm) {
        const files = await readdir(join(path, 'blocks'), { recursive: true })
        const file = join(
          path,
          'blocks',
          files.find((each) => basename(each) === object)!,
        )
        const harmed = harm(new Uint8Array(await readFile(file)))
        if (harmed) await writeFile(file, harmed)
        else await unlink(file)
      },
    }
  },
  {
    streams: [
      { blocks: 1, harmed: [0] },
      { blocks: 3, harmed: [0, 1, 2] },
    ],
  },
)
