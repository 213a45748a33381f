// Tries the conditions and ranges of RFC 9110 on `comb serve`, nginx, send, sirv and hono's static server, and prints the
// table of docs/http.md: `node_modules/.bin/node scripts/compare-http-servers.mjs [--failures]`. The npm packages are
// installed into a temporary directory.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CASE_SIZE, fieldsFor, problemWith } from '../node-tests/support/http-case.ts'
import { HTTP_CASES } from '../node-tests/support/http-cases.ts'
import { RawHttp } from '../node-tests/support/raw-http.ts'

const PACKAGES = ['send', 'sirv', 'hono', '@hono/node-server']
const MODIFIED_S = Date.UTC(2026, 0, 2, 3, 4, 5) / 1_000

const directory = mkdtempSync(join(tmpdir(), 'comb-compare-'))
const files = join(directory, 'files')
const bytes = new Uint8Array(randomBytes(CASE_SIZE))
/** @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set()

/** @param {string} path */
const versionIn = (path) =>
  JSON.parse(readFileSync(join(directory, 'node_modules', path, 'package.json'), 'utf8')).version

/** @returns {Promise<number>} */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = /** @type {import('node:net').AddressInfo} */ (server.address())
  server.close()
  await once(server, 'close')
  return address.port
}

/**
 * @param {string} command
 * @param {string[]} args
 */
function start(command, args) {
  const child = spawn(command, args, { cwd: directory, stdio: 'ignore' })
  children.add(child)
  // Some requests end some servers.
  child.once('exit', () => {
    if (children.delete(child)) start(command, args)
  })
}

/** @type {Record<string, { version: () => string, start: (port: number) => void | Promise<void> }>} */
const SERVERS = {
  'comb serve': {
    version: () => JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version,
    start(port) {
      const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
      for (const name of ['file', 'empty']) {
        execFileSync(process.execPath, [main, 'put', join(directory, 'hive'), name, join(files, name)])
      }
      start(process.execPath, [main, 'serve', join(directory, 'hive'), '--port', String(port)])
    },
  },
  nginx: {
    version: () => /nginx\/(\S+)/.exec(spawnSync('nginx', ['-v'], { encoding: 'utf8' }).stderr)?.[1] ?? '',
    start(port) {
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
        .map((name) => `${name}_temp_path ${directory}/${name};`)
        .join(' ')
      const path = join(directory, 'nginx.conf')
      writeFileSync(
        path,
        `daemon off; pid ${directory}/nginx.pid; error_log /dev/null; worker_processes 1; events {}
         http { access_log off; sendfile on; default_type video/mp4; ${temporary}
           server { listen 127.0.0.1:${port}; root ${files}; } }`,
      )
      start('nginx', ['-c', path, '-e', '/dev/null', '-g', 'user root;'])
    },
  },
  send: {
    version: () => versionIn('send'),
    start: (port) =>
      startScript(
        'send.mjs',
        `
      import { createServer } from 'node:http'
      import send from 'send'
      createServer((request, response) => send(request, request.url, { root: ${JSON.stringify(files)} }).pipe(response))
        .listen(${port}, '127.0.0.1')`,
      ),
  },
  sirv: {
    version: () => versionIn('sirv'),
    start: (port) =>
      startScript(
        'sirv.mjs',
        `
      import { createServer } from 'node:http'
      import sirv from 'sirv'
      const serve = sirv(${JSON.stringify(files)}, { etag: true })
      createServer((request, response) => serve(request, response, () => { response.statusCode = 404; response.end() }))
        .listen(${port}, '127.0.0.1')`,
      ),
  },
  'hono static': {
    version: () => `${versionIn('hono')}, node-server ${versionIn('@hono/node-server')}`,
    start: (port) =>
      startScript(
        'hono.mjs',
        `
      import { serve } from '@hono/node-server'
      import { serveStatic } from '@hono/node-server/serve-static'
      import { Hono } from 'hono'
      const app = new Hono().use(serveStatic({ root: './files' }))
      serve({ fetch: app.fetch, port: ${port}, hostname: '127.0.0.1' })`,
      ),
  },
}

/**
 * @param {string} name
 * @param {string} text
 */
function startScript(name, text) {
  writeFileSync(join(directory, name), text)
  start(process.execPath, [name])
}

/**
 * Tries all cases on one server.
 *
 * @param {number} port
 * @returns {Promise<(string | undefined)[]>} what is wrong with each answer
 */
async function tryCases(port) {
  const http = new RawHttp(port)
  const { fields } = await http.send('GET', '/file', [])
  const sentEtag = fields.get('etag')
  const modified = fields.get('hive-modified') ?? fields.get('last-modified')
  const file = {
    bytes,
    etag: sentEtag?.replace(/^W\//, '') ?? `"${createHash('sha1').update(bytes).digest('hex')}"`,
    sentEtag,
    modifiedMs: modified === undefined ? MODIFIED_S * 1_000 : Math.ceil(Date.parse(modified) / 1_000) * 1_000,
  }
  const problems = []
  for (const one of HTTP_CASES) {
    const answer = await http.send(one.method, `/${one.path}`, fieldsFor(one, file)).catch(async (error) => {
      http.close()
      await listening(port)
      return error.message
    })
    problems.push(typeof answer === 'string' ? answer : problemWith(one, answer, file))
  }
  http.close()
  return problems
}

/** @param {number} port */
async function listening(port) {
  for (let attempts = 0; attempts < 200; attempts++) {
    try {
      return await new RawHttp(port).send('GET', '/file', [['Connection', 'close']])
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  throw new Error(`nothing listens on port ${port}`)
}

try {
  chmodSync(directory, 0o755)
  mkdirSync(files)
  for (const name of ['file', 'empty']) {
    writeFileSync(join(files, name), name === 'file' ? bytes : '')
    utimesSync(join(files, name), MODIFIED_S, MODIFIED_S)
  }
  writeFileSync(join(directory, 'package.json'), '{"private":true}')
  execFileSync('npm', ['install', '--silent', '--no-audit', '--no-fund', ...PACKAGES], {
    cwd: directory,
    stdio: 'inherit',
  })

  const results = []
  for (const [name, server] of Object.entries(SERVERS)) {
    const port = await freePort()
    await server.start(port)
    await listening(port)
    const problems = await tryCases(port)
    results.push({ title: `${name} ${server.version()}`, problems })
    if (!process.argv.includes('--failures')) continue
    for (const [index, { group, title }] of HTTP_CASES.entries()) {
      if (problems[index] !== undefined) console.log(`${name}: ${group}: ${title}: ${problems[index]}`)
    }
  }
  console.log(new Date().toISOString().slice(0, 10))
  console.log(`| | cases | ${results.map(({ title }) => title).join(' | ')} |`)
  console.log(`|---|---|${results.map(() => '---|').join('')}`)
  for (const group of [...new Set(HTTP_CASES.map((one) => one.group)), undefined]) {
    const mine = HTTP_CASES.flatMap((one, index) => (group === undefined || one.group === group ? [index] : []))
    const passed = results.map(({ problems }) => mine.filter((index) => problems[index] === undefined).length)
    console.log(`| ${group ?? 'all'} | ${mine.length} | ${passed.join(' | ')} |`)
  }
} finally {
  for (const child of children) {
    children.delete(child)
    child.kill()
  }
  rmSync(directory, { recursive: true, force: true })
}
