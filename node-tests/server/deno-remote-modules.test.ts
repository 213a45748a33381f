import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const ROOT = new URL('../../', import.meta.url)

let folder = ''
let server: Server
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'combstream-'))
  server = createServer((request, response) => {
    readFile(new URL(`.${request.url}`, ROOT)).then(
      (source) => response.writeHead(200, { 'content-type': 'application/typescript' }).end(source),
      () => response.writeHead(404).end(),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve))
  await rm(folder, { recursive: true, force: true })
})

/** Runs a program in Deno, with no modules in its cache. */
async function run(program: string): Promise<string> {
  const path = join(folder, 'program.mjs')
  await writeFile(path, program)
  const args = ['run', '-A', '--quiet', '--no-config', '--no-lock', '--no-check', path]
  const env = { ...process.env, NO_COLOR: '1', DENO_DIR: join(folder, 'cache') }
  const child = spawn(process.execPath, args, { env })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
  }
  await new Promise((resolve) => child.on('close', resolve))
  return output
}

// The modules of a package that Deno gets from JSR have https URLs.
describe.runIf('Deno' in globalThis)('modules that have http URLs', () => {
  it('start the thread for the commits of a directory', async () => {
    const { port } = server.address() as AddressInfo
    const program = `
      import { directoryBackend } from 'http://127.0.0.1:${port}/src/backends/directory.ts'
      const backend = await directoryBackend(${JSON.stringify(join(folder, 'hive'))})
      console.log(await backend.metadata.commit([], [{ key: new Uint8Array([1]), value: new Uint8Array(1) }]))
      await backend.close()`
    expect(await run(program)).toBe('1\n')
  })
})
