import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { temporaryDirectory } from '../support/comb.ts'
import { docBlocks } from '../support/doc-blocks.ts'
import { NginxServer } from '../support/nginx-server.ts'
import { randomBytes } from '../support/streams.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const DENO = join(ROOT, 'node_modules/.bin/deno')
/** Twice what a stream reads ahead, so it is not done when the server goes down. */
const SIZE = 64 * 1024 * 1024

it('the script of the README reads from nginx with Deno, and survives a restart of it', async () => {
  const project = temporaryDirectory()
  onTestFinished(() => rmSync(project, { recursive: true, force: true }))
  mkdirSync(join(project, 'node_modules'))
  symlinkSync(ROOT, join(project, 'node_modules', 'combstream'))
  writeFileSync(join(project, 'package.json'), JSON.stringify({ type: 'module' }))
  writeFileSync(join(project, 'read.ts'), docBlocks('README.md').get('read.ts')!)
  const nginx = await NginxServer.start()
  onTestFinished(() => nginx.close())
  const bytes = randomBytes(SIZE)
  nginx.put('bunny.mp4', bytes)

  const options = ['run', '-A', '--no-remote', '--node-modules-dir=manual']
  const script = spawn(DENO, [...options, 'read.ts', `${nginx.url}bunny.mp4`], { cwd: project, stdio: 'pipe' })
  onTestFinished(() => void script.kill('SIGKILL'))
  const messages = text(script.stderr)
  const ended = once(script, 'close')
  const hash = createHash('sha256')
  let byteLength = 0
  for await (const chunk of script.stdout as AsyncIterable<Uint8Array>) {
    if (byteLength === 0) {
      await nginx.stop()
      await nginx.start()
    }
    byteLength += chunk.byteLength
    hash.update(chunk)
  }
  expect(await ended).toEqual([0, null])
  expect(await messages).toBe('')
  expect(byteLength).toBe(SIZE)
  expect(hash.digest('hex')).toBe(createHash('sha256').update(bytes).digest('hex'))
})
