import { execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { appendFileSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { S3Credentials } from '../../src/backends/s3.ts'
import { signRequest } from '../../src/backends/s3/sign-request.ts'

/** An S3 service with one bucket. */
export interface ObjectGateway {
  readonly endpoint: string
  readonly credentials: S3Credentials
  readonly bucket: string
  /** Where its files are. */
  readonly folder: string
}

const run = promisify(execFile)
const START_MS = 60_000
/** Ends of host names with which a bucket may be in the host name. */
export const GATEWAY_DOMAIN = 's3.test'

/**
 * Starts Ceph's object gateway on loopback addresses: a monitor, a store that keeps everything in memory, and the gateway,
 * all of Debian's packages. Everything that it writes is in `folder`, which must exist.
 */
export async function startCeph(folder: string): Promise<ObjectGateway> {
  const [monitorPort, gatewayPort] = await freePorts(2)
  const path = (name: string): string => join(folder, name)
  for (const name of ['mon', 'osd', 'run', 'log']) mkdirSync(path(name))
  const fsid = randomUUID()
  writeFileSync(path('ceph.conf'), configuration(folder, fsid, monitorPort!, gatewayPort!))
  const conf = ['-c', path('ceph.conf')]
  const daemon = (name: string, ...args: string[]): void => {
    const log = openSync(path(`log/${name}.out`), 'a')
    const child = spawn(name, [...conf, '-f', ...args], { detached: true, stdio: ['ignore', log, log] })
    child.once('error', () => undefined)
    child.unref()
    if (child.pid !== undefined) appendFileSync(path('pids'), `${child.pid}\n`)
  }

  await tool('ceph-authtool', '--create-keyring', path('keyring'), '--gen-key', '-n', 'mon.', '--cap', 'mon', 'allow *')
  const address = `[v2:127.0.0.1:${monitorPort}]`
  await tool('monmaptool', '--create', '--clobber', '--fsid', fsid, '--addv', 'a', address, path('monmap'))
  const made = ['--mkfs', '-i', 'a', '--monmap', path('monmap'), '--keyring', path('keyring')]
  await tool('ceph-mon', ...conf, ...made)
  daemon('ceph-mon', '-i', 'a')

  const uuid = randomUUID()
  await tool('ceph', ...conf, 'osd', 'new', uuid)
  const osd = ['-i', '0', '--osd-data', path('osd'), '--osd-journal', path('osd/journal'), '--osd-uuid', uuid]
  await tool('ceph-osd', ...conf, ...osd, '--mkfs')
  daemon('ceph-osd', ...osd)
  // It waits for the others.
  daemon('radosgw', '-n', 'client.rgw.a')

  const gateway = {
    endpoint: `http://127.0.0.1:${gatewayPort}`,
    credentials: { accessKeyId: 'ACCESSKEY', secretAccessKey: `SECRET-${randomUUID()}` },
    bucket: 'hives',
    folder,
  }
  await answering(gateway.endpoint)
  await createUser(gateway, 'tester')
  await createBucket(gateway)
  return gateway
}

/** The same service for a user who may store only so many bytes, with a bucket of his own. */
export async function withQuota(gateway: ObjectGateway, maxBytes: number): Promise<ObjectGateway> {
  const user = `small${randomUUID().slice(0, 8)}`
  const small = { ...gateway, bucket: user, credentials: { accessKeyId: user, secretAccessKey: randomUUID() } }
  await createUser(small, user)
  const quota = ['--quota-scope', 'user', '--uid', user]
  await admin(gateway, 'quota', 'set', ...quota, '--max-size', String(maxBytes))
  await admin(gateway, 'quota', 'enable', ...quota)
  await createBucket(small)
  return small
}

async function createUser(gateway: ObjectGateway, user: string): Promise<void> {
  const { accessKeyId, secretAccessKey } = gateway.credentials
  const keys = ['--access-key', accessKeyId, '--secret-key', secretAccessKey]
  await admin(gateway, 'user', 'create', '--uid', user, '--display-name', user, ...keys)
}

function admin({ folder }: ObjectGateway, ...args: string[]): Promise<unknown> {
  return tool('radosgw-admin', '-c', join(folder, 'ceph.conf'), ...args)
}

function tool(name: string, ...args: string[]): Promise<unknown> {
  return run(name, args, { timeout: START_MS })
}

/** Ends what {@linkcode startCeph} has started with this folder, also if it has not finished. */
export function stopCeph(folder: string): void {
  const path = join(folder, 'pids')
  if (!existsSync(path)) return
  for (const pid of readFileSync(path, 'utf8').trim().split('\n')) {
    try {
      // Only if it is still one of these, and not another process with its id.
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder)) process.kill(Number(pid), 'SIGKILL')
    } catch (error) {
      if (!['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    }
  }
}

function configuration(folder: string, fsid: string, monitorPort: number, gatewayPort: number): string {
  return `[global]
fsid = ${fsid}
mon host = v2:127.0.0.1:${monitorPort}
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
auth cluster required = none
auth service required = none
auth client required = none
# Without keys, nothing can be encrypted.
ms mon client mode = crc
ms client mode = crc
keyring = ${folder}/keyring
admin socket = ${folder}/run/$name.asok
pid file = ${folder}/run/$name.pid
run dir = ${folder}/run
crash dir = ${folder}/run
log file = ${folder}/log/$name.log
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd objectstore = memstore
memstore device bytes = 2147483648
osd heartbeat grace = 300
mon allow pool size one = true
mon warn on pool no redundancy = false
mon data avail crit = 1
mon data avail warn = 2
mon max pg per osd = 2000
# The defaults wait for other changes, which makes the start take three times as long.
paxos propose interval = 0.02
paxos min wait = 0.01
[mon.a]
mon data = ${folder}/mon/a
[client.rgw.a]
rgw frontends = beast endpoint=127.0.0.1:${gatewayPort} tcp_nodelay=1
rgw dns name = ${GATEWAY_DOMAIN}
rgw enable usage log = false
`
}

async function answering(endpoint: string): Promise<void> {
  await (await answerOf(endpoint)).arrayBuffer()
}

/** What a gateway answers that has only just begun to, and may still cut a connection. */
async function answerOf(url: string | URL, init?: RequestInit): Promise<Response> {
  for (const start = performance.now(); ; await delay(50)) {
    try {
      return await fetch(url, init)
    } catch (error) {
      if (performance.now() - start > START_MS) throw error
    }
  }
}

async function createBucket({ endpoint, bucket, credentials }: ObjectGateway): Promise<void> {
  const url = new URL(bucket, endpoint)
  const headers = await signRequest({ method: 'PUT', url }, { credentials, region: 'us-east-1' })
  // It exists already if the answer to the first try was lost.
  const response = await answerOf(url, { method: 'PUT', headers })
  if (!response.ok) throw new Error(`the bucket was not created: ${response.status} ${await response.text()}`)
}

/** Lets pages of any origin use the bucket, by the rules that docs/backends.md names. */
export async function allowPages({ endpoint, bucket, credentials }: ObjectGateway): Promise<void> {
  const url = new URL(`${bucket}?cors`, endpoint)
  const methods = ['GET', 'PUT', 'DELETE'].map((method) => `<AllowedMethod>${method}</AllowedMethod>`)
  const fields = ['authorization', 'range', 'content-type', 'x-amz-*'].map(
    (name) => `<AllowedHeader>${name}</AllowedHeader>`,
  )
  const rule = `<AllowedOrigin>*</AllowedOrigin>${methods.join('')}${fields.join('')}<ExposeHeader>Content-Range</ExposeHeader>`
  const body = new TextEncoder().encode(`<CORSConfiguration><CORSRule>${rule}</CORSRule></CORSConfiguration>`)
  const headers = await signRequest({ method: 'PUT', url, body }, { credentials, region: 'us-east-1' })
  const response = await answerOf(url, { method: 'PUT', headers, body })
  if (!response.ok) throw new Error(`the rules were not set: ${response.status} ${await response.text()}`)
}

/** Ports that nobody uses now. They are chosen together, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}
