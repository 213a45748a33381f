// Runs the pipeline on a hive on disk, with `node`, `deno run -A` or `bun`: node examples/pipeline/main.ts
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { directoryBackend } from 'combstream/backends/directory'
import { pipeline } from './pipeline.ts'

const directory = await mkdtemp(join(tmpdir(), 'combstream-'))
const backend = await directoryBackend(directory)

const file = new Blob([crypto.getRandomValues(new Uint8Array(65_536)), new Uint8Array(3_000_000)])
const edited = new Blob([file.slice(0, 40_000), 'an insertion', file.slice(40_000)])

let played = 0
const player = new WritableStream<Uint8Array>({
  write(chunk) {
    played += chunk.byteLength
  },
})

await pipeline({ backend, file, edited, player })
console.log(`played ${played} of ${file.size} bytes, updated the entry by a delta, and changed it back`)

await backend.close()
await rm(directory, { recursive: true })
