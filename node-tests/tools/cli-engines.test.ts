import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import connect from 'postgres'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { s3Blocks } from '../../src/backends/s3.ts'
import { comb, COMB_MAIN, type CombResult, serveComb, startComb, temporaryDirectory } from '../support/comb.ts'
import { difference } from '../support/jobs.ts'
import { newPrefix, objectGateway } from '../support/object-gateway.ts'
import { PostgresServer } from '../support/postgres-server.ts'
import type { ObjectGateway } from '../support/start-ceph.ts'
import { randomBytes, soon } from '../support/streams.ts'

const PASSWORD = 'p@ss:w/ord'

let postgres: PostgresServer
let gateway: ObjectGateway
/** What `comb` gets in its environment. */
let secrets: Record<string, string>

beforeAll(async () => {
  ;[postgres, gateway] = await Promise.all([PostgresServer.start(), objectGateway()])
  const { accessKeyId, secretAccessKey } = gateway.credentials
  secrets = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, PGPASSWORD: 'another secret' }
})
afterAll(() => postgres.close())

let schemas = 0

/** Where a new hive is: its rows in PostgreSQL, and its blocks in an object store. */
function newPlace(): { metadata: string; blocks: string; prefix: string } {
  const prefix = newPrefix()
  const { endpoint, bucket } = gateway
  return {
    metadata: `${postgres.url()}?schema=hive${schemas++}`,
    blocks: `s3://${bucket}/${prefix}?endpoint=${encodeURIComponent(endpoint)}`,
    prefix,
  }
}

/** The names of the objects of a hive. */
async function objectsOf(prefix: string): Promise<string[]> {
  const { blocks } = s3Blocks({ ...gateway, prefix })
  return (await blocks.list({ prefix: '', limit: 1000 })).map(({ name }) => name)
}

/** Runs `comb`, which must succeed and say no secret, and returns what it has printed. */
async function run(args: readonly string[], env: Record<string, string>, input?: Uint8Array): Promise<Buffer> {
  const result = await comb(args, { env: { ...secrets, ...env }, ...(input && { input }) })
  expectNoSecret(result)
  expect({ args, code: result.code, stderr: result.stderr }).toEqual({ args, code: 0, stderr: '' })
  return result.stdout
}

function expectNoSecret({ stdout, stderr }: CombResult): void {
  for (const secret of [gateway.credentials.secretAccessKey, 'another secret', PASSWORD]) {
    expect(stdout.includes(secret)).toBe(false)
    expect(stderr).not.toContain(secret)
  }
}

test('a hive in PostgreSQL and an object store is used by every command', async () => {
  const { metadata, blocks, prefix } = newPlace()
  const options = ['--metadata', metadata, '--blocks', blocks]
  const env = { COMB_METADATA: metadata, COMB_BLOCKS: blocks }
  const bytes = randomBytes(2_500_000)
  const file = join(temporaryDirectory(), 'a.bin')
  writeFileSync(file, bytes)

  await run(['put', ...options, 'a', file], {})
  await run(['put', 'b', '-', '--type', 'text/plain'], env, randomBytes(1_200_000, 2))
  expect(String(await run(['ls'], env))).toBe('a\nb\n')
  expect(
    difference(
      await run(['get', 'a', '--range', '900000-1100000', ...options], {}),
      bytes.subarray(900_000, 1_100_001),
    ),
  ).toBeUndefined()
  expect(String(await run(['stat', ...options, 'b'], {}))).toContain('size      1200000')
  expect(String(await run(['check'], env))).toMatch(/^checked 2 streams with 5 blocks, 3\.70 MB: no damage/)
  // One of them is how the hive claims the place.
  expect(await objectsOf(prefix)).toHaveLength(6)

  await run(['rm', 'a', ...options], {})
  expect(String(await run(['gc', '--grace', '0', ...options], {}))).toMatch(/^freed 1 stream and 3 blocks/)
  expect(String(await run(['ls', ...options], {}))).toBe('b\n')
  expect(await objectsOf(prefix)).toHaveLength(3)
})

test.each([
  ['PostgreSQL alone', () => ({ COMB_METADATA: newPlace().metadata }), 0],
  ['a directory and an object store', () => ({ COMB_METADATA: join(temporaryDirectory(), 'rows') }), 3],
])('a hive may also be in %s', async (_, make, objects) => {
  const { blocks, prefix } = newPlace()
  const env = { ...make(), ...(objects > 0 && { COMB_BLOCKS: blocks }) }
  const bytes = randomBytes(1_500_000)
  await run(['put', 'a', '-'], env, bytes)
  expect(difference(await run(['get', 'a'], env), bytes)).toBeUndefined()
  expect(String(await run(['check'], env))).toMatch(/^checked 1 stream with 2 blocks, 1\.50 MB: no damage/)
  expect(await objectsOf(prefix)).toHaveLength(objects)
})

test.runIf(process.platform === 'linux')('serve shows no password on a terminal', async () => {
  const sql = connect(postgres.url(), { max: 1 })
  await sql`create role "hive@srv" login superuser`
  await sql.end()
  const { metadata, blocks } = newPlace()
  const url = metadata.replace(/\/\/\w+@/, `//hive@srv:${PASSWORD.replace('/', '%2F')}@`)
  expect(url).toContain('//hive@srv:p@ss:w%2Ford@')
  const args = ['serve', '--port', '0', '--metadata', url, '--blocks', blocks]
  const command = [process.execPath, COMB_MAIN, ...args].map((word) => `'${word}'`).join(' ')
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...secrets, TERM: 'xterm' },
  })
  let screen = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const wasServing = screen.includes('Ctrl-C')
    screen += text
    if (!wasServing && screen.includes('Ctrl-C')) child.stdin.write('\u0003')
  })
  await once(child, 'close')
  expect(screen).toMatch(/serving postgres:\/\/hive%40srv:\*\*\*@127\.0\.0\.1:\d+\/.* and s3:\/\/.*; press Ctrl-C/)
  expect(screen).not.toMatch(/p@ss|p%40ss|w%2Ford/)
})

test('only put and serve create a hive', async () => {
  const { metadata, blocks } = newPlace()
  const schema = new URL(metadata).searchParams.get('schema')!
  const commands = [
    ['ls'],
    ['stat', 'a'],
    ['get', 'a', '-'],
    ['rm', 'a'],
    ['check'],
    ['check', '--repair'],
    ['gc', '--dry-run'],
    ['gc'],
  ]
  for (const args of commands) {
    const result = await comb([...args, '--metadata', metadata], { env: secrets })
    expect({ args, ...result }).toMatchObject({
      args,
      code: 1,
      stderr: `comb: there is no hive in the schema ${schema}\n`,
    })
  }
  // Nothing says yet where its blocks are.
  const env = { ...secrets, COMB_METADATA: metadata, COMB_BLOCKS: blocks }
  await serveComb(undefined, [], { env })
  expect(String(await run(['ls'], env))).toBe('')
})

test('a hive whose blocks are elsewhere needs --blocks, and one whose blocks are in PostgreSQL refuses it', async () => {
  const [one, other] = [newPlace(), newPlace()]
  const bytes = randomBytes(10)
  await run(['put', 'a', '-', '--metadata', one.metadata, '--blocks', one.blocks], {}, bytes)
  await run(['put', 'a', '-', '--metadata', other.metadata], {}, bytes)
  const results = await Promise.all([
    comb(['ls', '--metadata', one.metadata], { env: secrets }),
    comb(['ls', '--metadata', other.metadata, '--blocks', other.blocks], { env: secrets }),
  ])
  expect(results.map(({ code, stderr }) => ({ code, stderr }))).toEqual([
    {
      code: 2,
      stderr: expect.stringMatching(
        /^comb: the blocks of the hive in the schema hive\d+ are in another backend: name it with --blocks\n$/,
      ),
    },
    {
      code: 2,
      stderr: expect.stringMatching(
        /^comb: the blocks of the hive in the schema hive\d+ are in PostgreSQL: open it without --blocks\n$/,
      ),
    },
  ])
})

test('a directory whose blocks are in an object store is not used without them, nor another one with them', async () => {
  const { blocks, prefix } = newPlace()
  const [one, other] = [join(temporaryDirectory(), 'one'), join(temporaryDirectory(), 'other')]
  const bytes = randomBytes(1_500_000)
  await run(['put', 'a', '-', '--metadata', one, '--blocks', blocks], {}, bytes)
  const objects = await objectsOf(prefix)
  expect(objects).toHaveLength(3)
  await run(['put', other, 'a', '-'], {}, bytes)
  const unnamed = await comb(['check', '--repair', one], { env: secrets })
  expect(unnamed).toMatchObject({
    code: 2,
    stderr: `comb: the blocks of the hive in ${one} are in another backend: name it with --blocks\n`,
  })
  const owned = await comb(['put', 'b', '-', '--metadata', other, '--blocks', blocks], { env: secrets, input: bytes })
  expect(owned).toMatchObject({
    code: 2,
    stderr: `comb: the blocks of the hive in ${other} are in the directory: open it without --blocks\n`,
  })
  const third = join(temporaryDirectory(), 'third')
  const foreign = await comb(['put', 'b', '-', '--metadata', third, '--blocks', blocks], { env: secrets, input: bytes })
  expect(foreign.code).toBe(1)
  expect(foreign.stderr).toMatch(
    /^comb: these blocks belong to another hive or program: there is an object combstream\./,
  )
  expect(await objectsOf(prefix)).toEqual(objects)
  expect(difference(await run(['get', 'a', '-', '--metadata', one, '--blocks', blocks], {}), bytes)).toBeUndefined()
})

test('two servers on one database and one object store serve one hive', async () => {
  const { metadata, blocks, prefix } = newPlace()
  const env = { ...secrets, COMB_METADATA: metadata, COMB_BLOCKS: blocks }
  const serve = (): ReturnType<typeof serveComb> => serveComb(undefined, [], { env })
  const [one, two] = await Promise.all([serve(), serve()])
  const put = (url: string, body: Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(new URL('entry', url), { method: 'PUT', body, headers })
  const read = async (url: string): Promise<Uint8Array> =>
    new Uint8Array(await (await fetch(new URL('entry', url))).arrayBuffer())

  // Written on one, read on the other.
  const [first, second] = [randomBytes(2_300_000, 1), randomBytes(50_000, 2)]
  const stored = await put(one.url, first, { 'If-None-Match': '*' })
  expect(stored.status).toBe(201)
  const etag = stored.headers.get('ETag')!
  expect(difference(await read(two.url), first)).toBeUndefined()
  const head = await fetch(new URL('entry', two.url), { method: 'HEAD' })
  expect(head.headers.get('ETag')).toBe(etag)

  // Of changes to one version, one is applied, whichever server gets it; the others are conflicts.
  expect((await put(two.url, second, { 'If-None-Match': '*' })).status).toBe(412)
  const statuses = await Promise.all(
    [one, two, one, two].map(async ({ url }) => (await put(url, second, { 'If-Match': etag })).status),
  )
  expect(statuses.toSorted((a, b) => a - b)).toEqual([204, 412, 412, 412])
  for (const { url } of [one, two]) expect(difference(await read(url), second)).toBeUndefined()
  expect((await fetch(new URL('entry', one.url), { headers: { 'If-Match': etag } })).status).toBe(412)

  // Removed on one, collected by the other: a server collects when it starts.
  expect((await fetch(new URL('entry', one.url), { method: 'DELETE' })).status).toBe(204)
  expect((await fetch(new URL('entry', two.url))).status).toBe(404)
  two.child.kill('SIGTERM')
  expect(await two.result).toMatchObject({ code: 0, stderr: '' })
  await serve()
  const report = async (): Promise<{ freed: { streams: number }; waiting: { objects: number } }> =>
    JSON.parse(String(await run(['gc', '--dry-run', '--json'], env)))
  await expect.poll(report).toMatchObject({ freed: { streams: 0 } })
  expect((await report()).waiting.objects).toBeGreaterThan(0)
  // Only its grace period is left.
  await run(['gc', '--grace', '0'], env)
  await run(['gc', '--grace', '0'], env)
  expect(await objectsOf(prefix)).toEqual([expect.stringMatching(/^combstream\./)])
})

test('SIGINT ends a command that waits for an object store to answer when it opens the hive', async () => {
  const { metadata, blocks } = newPlace()
  await run(['put', 'a', '-', '--metadata', metadata, '--blocks', blocks], {}, randomBytes(10))
  let ask = (): void => undefined
  const silent = createServer(() => ask()).listen(0, '127.0.0.1')
  onTestFinished(() => {
    silent.close()
    silent.closeAllConnections()
  })
  await once(silent, 'listening')
  const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
  const env = {
    ...secrets,
    COMB_METADATA: metadata,
    COMB_BLOCKS: blocks.replace(/endpoint=.*/, `endpoint=${endpoint}`),
  }
  for (const args of [['ls'], ['get', 'a', '-'], ['put', 'a', '-'], ['gc'], ['check'], ['serve', '--port', '0']]) {
    const asked = new Promise<void>((resolve) => (ask = resolve))
    const { child, result } = startComb(args, { env, input: '' })
    await soon(asked, 'a request')
    child.kill('SIGINT')
    expect({ args, ...(await soon(result, 'the end')) }).toMatchObject({ args, code: 130, signal: null, stderr: '' })
  }
})

describe('--metadata and --blocks', () => {
  const url = (rest = ''): string => `postgres://user:${PASSWORD}@127.0.0.1:1/db${rest}`

  test.each([
    [
      'a password in the place of a hive',
      ['ls', url()],
      2,
      /^comb: a hive must be a directory or an http\(s\) URL; --metadata names a database, and --blocks an object store\n$/,
    ],
    ['a password in the place of a command', [url()], 2, /^comb: unknown command 'postgres:\/\/user:\*\*\*@/],
    [
      'a password of another scheme',
      ['ls', '--metadata', url().replace('postgres', 'mysql')],
      2,
      /^comb: --metadata must be a directory, or like postgres:\/\/USER@HOST:PORT\/DATABASE\n$/,
    ],
    [
      'a URL that is not one',
      ['ls', '--metadata', url().replace(':1/', ':x/')],
      2,
      /^comb: --metadata is not a valid URL; a password must be percent-encoded, or be in PGPASSWORD\n$/,
    ],
    [
      'a server that is not there',
      ['ls', '--metadata', 'postgres://user:secret@127.0.0.1:1/db'],
      1,
      /: connection refused\n$/,
    ],
    ['a wrong schema', ['ls', '--metadata', 'postgres://user:secret@127.0.0.1:1/db?schema=A'], 2, /schema must be/],
    ['blocks without rows', ['ls', './data', '--blocks', 's3://bucket'], 2, /--blocks needs --metadata/],
    ['a place for the hive too', ['ls', './data', '--metadata', url()], 2, /too many arguments/],
    ['no alias', ['stat', '--metadata', url()], 2, /missing required argument 'alias'/],
    ['blocks of another kind', ['ls', '--metadata', url(), '--blocks', 'gs://bucket'], 2, /--blocks must be like s3:/],
    [
      'a key in the URL',
      ['ls', '--metadata', url(), '--blocks', `s3://key:secret@bucket`],
      2,
      /must not contain a key/,
    ],
    ['an unknown parameter', ['ls', '--metadata', url(), '--blocks', 's3://bucket?secret=secret'], 2, /may have only/],
    ['no endpoint', ['ls', '--metadata', url(), '--blocks', 's3://bucket'], 2, /needs \?endpoint=URL/],
    [
      'a wrong endpoint',
      ['ls', '--metadata', url(), '--blocks', 's3://bucket?endpoint=x'],
      2,
      /endpoint must be a URL/,
    ],
    ['a wrong bucket', ['ls', '--metadata', url(), '--blocks', 's3://b?endpoint=http://x'], 2, /bucket must be/],
  ])('says what is wrong in one line, without a secret: %s', async (_, args, code, message) => {
    const result = await comb(args, { env: { ...secrets, AWS_ENDPOINT_URL: '' } })
    expect(result.stderr).toMatch(message)
    expect(result.stderr).toMatch(/^comb: .*\n$/)
    expect(result.stderr).not.toContain('secret')
    expect(result.code).toBe(code)
    expectNoSecret(result)
  })

  test('need the keys of the object store in the environment', async () => {
    const env = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_ENDPOINT_URL: gateway.endpoint }
    const result = await comb(['ls', '--metadata', url(), '--blocks', 's3://bucket'], { env })
    expect(result).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('AWS_SECRET_ACCESS_KEY in the environment'),
    })
  })

  test('show no value of the environment in the help', async () => {
    const env = { COMB_METADATA: url(), COMB_BLOCKS: 's3://bucket?endpoint=http://x' }
    for (const args of [['--help'], ['ls', '--help'], ['serve', '--help']]) {
      const result = await comb(args, { env })
      expect(result.code).toBe(0)
      expectNoSecret(result)
    }
  })

  test('do not count if they are empty in the environment', async () => {
    const directory = join(temporaryDirectory(), 'hive')
    await run(['put', directory, 'x', '-'], { COMB_METADATA: '', COMB_BLOCKS: '' }, randomBytes(10))
    expect(String(await run(['ls', directory], { COMB_METADATA: '' }))).toBe('x\n')
  })

  test('say that an object store refuses, without its keys', async () => {
    const { metadata, blocks } = newPlace()
    const env = { ...secrets, AWS_SECRET_ACCESS_KEY: 'a wrong one' }
    const result = await comb(['put', '--metadata', metadata, '--blocks', blocks, 'x', '-'], {
      env,
      input: randomBytes(1_500_000),
    })
    expect(result.code).toBe(1)
    expect(result.stderr).toBe('comb: cannot list objects: the object store answers 403 SignatureDoesNotMatch\n')
    expectNoSecret(result)
  })
})
