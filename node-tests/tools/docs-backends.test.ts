import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { backendCases } from '../../src/testing.ts'
import { memoryBackend } from '../../src/backends/memory.ts'
import { docBlocks } from '../support/doc-blocks.ts'
import { PostgresServer } from '../support/postgres-server.ts'
import { objectGateway } from '../support/object-gateway.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const blocks = docBlocks('docs/backends.md')
const folder = mkdtempSync(join(tmpdir(), 'combstream-'))

beforeAll(() => {
  // A project that has the package installed.
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(ROOT, join(folder, 'node_modules', 'combstream'))
  symlinkSync(join(ROOT, 'node_modules', 'postgres'), join(folder, 'node_modules', 'postgres'))
  write('package.json', JSON.stringify({ type: 'module' }))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function write(name: string, text: string): void {
  writeFileSync(join(folder, name), text)
}

async function node(args: readonly string[], environment: Record<string, string> = {}): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--no-warnings', ...args], {
    cwd: folder,
    env: { ...process.env, ...environment },
  })
  return stdout
}

describe('the code in docs/backends.md', () => {
  it('keeps a hive in a directory', async () => {
    write('machine.js', blocks.get('machine.js')!)
    write(
      'put.js',
      `import { hive } from './machine.js'
       await new Blob(['honey']).stream().pipeTo(hive.sink('bee.txt'))
       console.log(await new Response((await hive.open('bee.txt')).stream()).text())
       process.exit()`,
    )
    expect(await node(['put.js'])).toBe('honey\n')
  })

  it('keeps blocks in an object store', async () => {
    const { endpoint, credentials } = await objectGateway()
    write('bucket.js', blocks.get('bucket.js')!.replace(`'videos'`, `'hives'`))
    write(
      'put-there.js',
      `import { hive } from './bucket.js'
       const bytes = new Uint8Array(2_000_000).map((_, index) => index >> 8)
       await new Blob([bytes]).stream().pipeTo(hive.sink('bytes'))
       const read = new Uint8Array(await new Response((await hive.open('bytes')).stream()).arrayBuffer())
       console.log(Buffer.compare(bytes, read), read.byteLength)
       process.exit()`,
    )
    const environment = {
      AWS_ENDPOINT_URL: endpoint,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    }
    expect(await node(['put-there.js'], environment)).toBe('0 2000000\n')
  })

  describe('with PostgreSQL', () => {
    let server: PostgresServer
    beforeAll(async () => {
      server = await PostgresServer.start()
    })
    afterAll(() => server?.close())

    it('keeps a hive there', async () => {
      write('postgres.js', blocks.get('postgres.js')!)
      write(
        'put-in-postgres.js',
        `import { hive, store } from './postgres.js'
         await new Blob(['honey']).stream().pipeTo(hive.sink('bee.txt'))
         console.log(await new Response((await hive.open('bee.txt')).stream()).text())
         await store.close()`,
      )
      expect(await node(['put-in-postgres.js'], { DATABASE_URL: server.url() })).toBe('honey\n')
    })

    it('keeps a hive there whose blocks are in an object store', async () => {
      const { endpoint, credentials } = await objectGateway()
      const block = blocks.get('postgres-and-bucket.js')!
      write('postgres-and-bucket.js', block.replace(`bucket: 'videos'`, `bucket: 'hives', prefix: 'rows-in-postgres'`))
      const environment = {
        DATABASE_URL: server.url(),
        AWS_ENDPOINT_URL: endpoint,
        AWS_ACCESS_KEY_ID: credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      }
      const bytes = 'const bytes = new Uint8Array(2_000_000).map((_, index) => index >> 8)'
      write(
        'put-in-both.js',
        `import { hive, store } from './postgres-and-bucket.js'
         ${bytes}
         await new Blob([bytes]).stream().pipeTo(hive.sink('bytes'))
         await store.close()`,
      )
      // Another node.
      write(
        'get-from-both.js',
        `import { hive, store } from './postgres-and-bucket.js'
         ${bytes}
         const read = new Uint8Array(await new Response((await hive.open('bytes')).stream()).arrayBuffer())
         console.log(Buffer.compare(bytes, read), read.byteLength)
         await store.close()`,
      )
      await node(['put-in-both.js'], environment)
      expect(await node(['get-from-both.js'], environment)).toBe('0 2000000\n')
    })

    it('takes the object store of one example in the other', async () => {
      const { endpoint, credentials } = await objectGateway()
      const statement = /^const blocks = s3Blocks\(\{\n.*?^\}\)\n/ms
      const [bucket] = statement.exec(blocks.get('bucket.js')!)!
      const both = blocks.get('postgres-and-bucket.js')!
      expect(both).toMatch(statement)
      write(
        'combined.js',
        `${both.replace(statement, bucket.replace(`'videos'`, `'hives'`).replace(`'hives/mine'`, `'combined'`)).replace(`schema: 'videos'`, `schema: 'combined'`)}
         await new Blob(['x'.repeat(20_000)]).stream().pipeTo(hive.sink('x'))
         console.log((await new Response((await hive.open('x')).stream()).text()).length)
         await store.close()`,
      )
      const environment = {
        DATABASE_URL: server.url(),
        AWS_ENDPOINT_URL: endpoint,
        AWS_ACCESS_KEY_ID: credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      }
      expect(await node(['combined.js'], environment)).toBe('20000\n')
    })

    it('changes a table and the store in one transaction, as docs/store.md shows', async () => {
      write('one-transaction.js', docBlocks('docs/store.md').get('one-transaction.js')!)
      write(
        'add-video.js',
        `import { addVideo, sql, store } from './one-transaction.js'
         await sql\`CREATE TABLE videos (id SERIAL, title TEXT, stream TEXT)\`
         await addVideo('bees', new Blob(['honey']))
         const [{ stream }] = await sql\`SELECT stream FROM videos\`
         await store.collectGarbage({ graceMs: 0 })
         console.log(await new Response((await store.open(stream)).stream()).text())
         await store.close()
         await sql.end()`,
      )
      expect(await node(['add-video.js'], { DATABASE_URL: server.url() })).toBe('honey\n')
    })
  })

  it('runs the suite on a backend, with the test runner of Node', async () => {
    write('my-backend.js', `export { memoryBackend as myBackend } from 'combstream/backends/memory'`)
    write('my-backend.test.js', blocks.get('my-backend.test.js')!)
    const report = await node(['--test', '--test-reporter=tap', 'my-backend.test.js'])
    expect(report).toContain(`# pass ${backendCases(() => memoryBackend()).length}\n`)
    expect(report).toContain('# fail 0\n')
  })
})
