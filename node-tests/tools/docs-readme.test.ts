import { spawn } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium } from 'playwright'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { CHROMIUM_LAUNCH } from '../../scripts/chromium.mjs'
import { HttpHive } from '../../src/http.ts'
import { temporaryDirectory } from '../support/comb.ts'
import { docBlocks } from '../support/doc-blocks.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const RUNTIMES = {
  node: [process.execPath],
  deno: [join(ROOT, 'node_modules/.bin/deno'), 'run', '-A', '--no-remote', '--node-modules-dir=manual'],
  bun: [join(ROOT, 'node_modules/.bin/bun')],
}
const clip = readFileSync(join(ROOT, 'examples/player/clips/comb.mp4'))
const blocks = docBlocks('README.md')

/** A string, because the test runner would rewrite the import. */
const UPDATE = `
  Promise.all([import('/update.js'), fetch('/hive/bunny.mp4')])
    .then(async ([{ update }, old]) => update('bunny.mp4', new Blob([await old.blob(), 'and more'])))
`

let browser: Browser

beforeAll(async () => {
  browser = await chromium.launch(CHROMIUM_LAUNCH)
})

afterAll(() => browser?.close())

describe.each(Object.entries(RUNTIMES))('the recipes of the README, served by %s', (_, runtime) => {
  it('play a video, and update it with a delta that is a fraction of its size', async () => {
    const url = await serveRecipe(runtime)
    const hive = new HttpHive(`${url}hive/`)
    await new Blob([clip]).stream().pipeTo(hive.sink('bunny.mp4', { type: 'video/mp4' }))

    const page = await browser.newPage()
    onTestFinished(() => page.close())
    await page.goto(url)
    await page.waitForFunction(() => document.querySelector('video')!.readyState >= 2)
    expect(await page.evaluate(() => document.querySelector('video')!.currentSrc)).toContain('/media/bunny.mp4?v=')

    let sent = 0
    page.on('request', (request) => (sent += request.postDataBuffer()?.byteLength ?? 0))
    await page.evaluate(UPDATE)
    expect((await hive.stat('bunny.mp4')).size).toBe(clip.byteLength + 8)
    expect(sent).toBeGreaterThan(0)
    expect(sent).toBeLessThan(clip.byteLength / 10)
  })
})

/** Writes the files of the recipes as a project with the packages installed, and runs the server. */
async function serveRecipe(runtime: readonly string[]): Promise<string> {
  const project = temporaryDirectory()
  onTestFinished(() => rmSync(project, { recursive: true, force: true }))
  const modules = join(project, 'node_modules')
  const open = join(project, 'public')
  for (const folder of [modules, open]) mkdirSync(folder)
  symlinkSync(ROOT, join(modules, 'combstream'))
  cpSync(join(ROOT, 'node_modules/srvx'), join(modules, 'srvx'), { recursive: true })
  writeFileSync(join(project, 'package.json'), JSON.stringify({ type: 'module' }))
  writeFileSync(join(project, 'server.ts'), blocks.get('server.ts')!)
  for (const name of ['index.html', 'update.js']) writeFileSync(join(open, name), blocks.get(name)!)
  for (const name of ['page.js', 'service-worker.js']) copyFileSync(join(ROOT, 'dist/browser', name), join(open, name))

  const [command, ...options] = runtime
  // If TEST is set, srvx does not print its URL.
  const { TEST: _, ...env } = process.env
  const server = spawn(command!, [...options, 'server.ts'], { cwd: project, env: { ...env, PORT: '0' } })
  const ended = new Promise((resolve) => server.once('close', resolve))
  onTestFinished(async () => {
    server.kill('SIGKILL')
    await ended
  })
  let output = ''
  return await new Promise((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      output += chunk.toString()
      const url = /http:\/\/127\.0\.0\.1:\d+\//.exec(output)?.[0]
      if (url) resolve(url)
    }
    server.stdout.on('data', read)
    server.stderr.on('data', read)
    server.once('error', reject)
    server.once('close', () => reject(new Error(`the server ended: ${output}`)))
  })
}
