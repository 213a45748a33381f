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

  it('keeps a hive in PostgreSQL', async () => {
    const server = await PostgresServer.start()
    try {
      write('postgres.js', blocks.get('postgres.js')!)
      write(
        'put-in-postgres.js',
        `process.env.DATABASE_URL = '${server.url()}'
         const { hive, store } = await import('./postgres.js')
         await new Blob(['honey']).stream().pipeTo(hive.sink('bee.txt'))
         console.log(await new Response((await hive.open('bee.txt')).stream()).text())
         await store.close()`,
      )
      expect(await node(['put-in-postgres.js'])).toBe('honey\n')
    } finally {
      await server.close()
    }
  })

  it('runs the suite on a backend, with the test runner of Node', async () => {
    write('my-backend.js', `export { memoryBackend as myBackend } from 'combstream/backends/memory'`)
    write('my-backend.test.js', blocks.get('my-backend.test.js')!)
    const report = await node(['--test', '--test-reporter=tap', 'my-backend.test.js'])
    expect(report).toContain(`# pass ${backendCases(() => memoryBackend()).length}\n`)
    expect(report).toContain('# fail 0\n')
  })
})
