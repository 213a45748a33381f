import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  cpSync,
  createReadStream,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { HttpHive } from '../../src/http.ts'
import { comb, temporaryDirectory } from '../support/comb.ts'
import { docBlocks } from '../support/doc-blocks.ts'
import { objectGateway } from '../support/object-gateway.ts'
import { PostgresServer } from '../support/postgres-server.ts'
import { sharedPage } from '../support/shared-chromium.ts'

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

/** The namespace for each user, as the README shows it; the test of its rules has the same lines. */
const NAMESPACES = /^authorize\(request, [^]*?^},$/m

it('the README shows the namespace for each user that is tested', () => {
  const shown = NAMESPACES.exec(readFileSync(join(ROOT, 'README.md'), 'utf8'))![0]
  const tested = readFileSync(join(ROOT, 'node-tests/portable/http-authorize.test.ts'), 'utf8')
  expect(tested.replaceAll(/^ +/gm, '')).toContain(shown.replaceAll(/^ +/gm, ''))
})

describe.each(Object.entries(RUNTIMES))('the recipes of the README, served by %s', (_, runtime) => {
  it('play a video, and update it with a delta that is a fraction of its size', async () => {
    const url = await serveRecipe(runtime)
    const hive = new HttpHive(`${url}hive/`)
    await new Blob([clip]).stream().pipeTo(hive.sink('bunny.mp4', { type: 'video/mp4' }))

    const page = await sharedPage()
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

describe('the set-ups of the README', () => {
  it('keep a video in a browser, where it plays', async () => {
    const project = newProject()
    writeFileSync(join(project, 'index.html'), blocks.get('alone.html')!)
    for (const name of ['browser-hive.js', 'browser-hive-worker.js', 'sha256-worker.js']) {
      copyFileSync(join(ROOT, 'dist/browser', name), join(project, name))
    }
    const server = createServer((request, answer) => {
      const name = new URL(request.url!, 'http://localhost').pathname.slice(1) || 'index.html'
      answer.setHeader('Content-Type', name.endsWith('.js') ? 'text/javascript' : 'text/html')
      createReadStream(join(project, name))
        .once('error', () => answer.writeHead(404).end())
        .pipe(answer)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => server.close().closeAllConnections())
    const page = await sharedPage()
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    await page.waitForFunction(() => document.getElementById('file')!.onchange !== null)
    await page.setInputFiles('#file', join(ROOT, 'examples/player/clips/comb.mp4'))
    await page.waitForFunction(() => document.querySelector('video')!.readyState >= 2)
    expect(await page.evaluate(() => document.querySelector('video')!.currentSrc)).toContain('/media/comb.mp4?v=')
  })

  it('keep a hive on one machine, for programs and the command', async () => {
    expect(await shareHive('machine.js', ['./data'], {})).toEqual(SHARED)
  })

  it('keep a hive in PostgreSQL and an object store, for programs and the command', async () => {
    const [postgres, gateway] = await Promise.all([PostgresServer.start(), objectGateway()])
    onTestFinished(() => postgres.close())
    const { accessKeyId, secretAccessKey } = gateway.credentials
    const shared = await shareHive('servers.js', [], {
      DATABASE_URL: postgres.url(),
      AWS_ENDPOINT_URL: gateway.endpoint,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      COMB_METADATA: postgres.url(),
      COMB_BLOCKS: `s3://${gateway.bucket}`,
    })
    expect(shared).toEqual(SHARED)
  })
})

/** What {@linkcode shareHive} resolves with if all goes well. */
const SHARED = { put: '', copied: `${clip.byteLength}\n`, got: '', isSame: true }

/** Stores with the command what a program of the README reads, and the other way round. */
async function shareHive(program: string, place: readonly string[], env: Record<string, string>): Promise<object> {
  const project = newProject()
  writeFileSync(join(project, program), blocks.get(program)!)
  writeFileSync(
    join(project, 'copy.js'),
    `import { hive } from './${program}'
     await (await hive.open('bunny.mp4')).stream().pipeTo(hive.sink('copy.mp4'))
     console.log((await hive.stat('copy.mp4')).size)
     process.exit()`,
  )
  const options = { cwd: project, env }
  const put = await comb(['put', ...place, 'bunny.mp4', '-'], { ...options, input: clip })
  const copied = await promisify(execFile)(process.execPath, ['--no-warnings', 'copy.js'], {
    cwd: project,
    env: { ...process.env, ...env },
  })
  const got = await comb(['get', ...place, 'copy.mp4'], options)
  return { put: put.stderr, copied: copied.stdout, got: got.stderr, isSame: got.stdout.equals(clip) }
}

/** Makes a project with the package and its drivers installed. */
function newProject(): string {
  const project = temporaryDirectory()
  onTestFinished(() => rmSync(project, { recursive: true, force: true }))
  mkdirSync(join(project, 'node_modules'))
  symlinkSync(ROOT, join(project, 'node_modules', 'combstream'))
  writeFileSync(join(project, 'package.json'), JSON.stringify({ type: 'module' }))
  return project
}

/** Writes the files of the recipes as a project with the packages installed, and runs the server. */
async function serveRecipe(runtime: readonly string[]): Promise<string> {
  const project = newProject()
  const open = join(project, 'public')
  mkdirSync(open)
  cpSync(join(ROOT, 'node_modules/srvx'), join(project, 'node_modules/srvx'), { recursive: true })
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
