import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { BENCH_PACKAGES, installSystemPackages } from '../../scripts/system-packages.mjs'

/** Every package that the suites need, in a version that is recent enough. */
const CURRENT = {
  rdiff: '2.3.2-1+b1',
  lz4: '1.9.4-1',
  zsync: '0.6.2-3+b1',
  'nginx-light': '1.22.1-9+deb12u11',
  'ceph-mon': '16.2.15+ds-0+deb12u2',
  'ceph-osd': '16.2.15+ds-0+deb12u2',
  radosgw: '16.2.15+ds-0+deb12u2',
  'ceph-common': '16.2.15+ds-0+deb12u2',
  chromium: '156.0.8078.108-1~deb12u1',
  'postgresql-15': '15.18-0+deb12u1',
  'firefox-esr': '153.7.0esr-1~deb12u1',
  'webkit2gtk-driver': '2.50.6-1~deb12u2',
  xvfb: '2:21.1.7-3+deb12u13',
  'gstreamer1.0-libav': '1.22.0-2',
  'gstreamer1.0-plugins-bad': '1.22.0-4+deb12u8',
}
const OLD_FIREFOX = { ...CURRENT, 'firefox-esr': '140.12.0esr-1~deb12u1' }
const FIREFOX_ADVICE =
  'upgrade firefox-esr from 140.12.0esr-1~deb12u1, which is too old, to 153 or newer (Debian packages)'

type Versions = Record<string, string>

/** A machine with package lists and a mirror that may offer other versions. The stand-ins share it through files. */
interface Machine {
  readonly installed: Versions
  /** The versions in the package lists. */
  readonly listed: Versions
  /** The versions in the lists after a refresh. Without it, a refresh fails. */
  readonly mirror?: Versions
  /** Whether a refresh never ends. */
  readonly hangs?: boolean
}

let folder: string
let said: string

/** Installs what is missing, with a policy for servers that is not that of this machine. */
const install: typeof installSystemPackages = (options) =>
  installSystemPackages({ policyPath: join(folder, 'policy-rc.d'), ...options })

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'combstream-'))
  said = ''
  vi.spyOn(console, 'log').mockImplementation((text) => (said += `${text}\n`))
  vi.stubEnv('PATH', `${folder}${delimiter}${process.env['PATH']}`)
})

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

test('nothing is refreshed or installed on a machine that has everything', async () => {
  prepare({ installed: CURRENT, listed: {} })
  expect(await install({ isRoot: true })).toEqual(new Map())
  expect(aptCalls()).toEqual([])
  expect(said).toBe('')
})

test('the lists are refreshed once, before what is missing is installed', async () => {
  const { rdiff: _, xvfb: __, ...installed } = CURRENT
  prepare({ installed, listed: {}, mirror: CURRENT })
  expect(await install({ isRoot: true })).toEqual(new Map())
  expect(aptCalls()).toEqual(['update', 'install rdiff xvfb'])
})

test('what only the benches need is installed for them, and is nothing that a suite lacks', async () => {
  const more = Object.fromEntries(BENCH_PACKAGES.map((name) => [name, '1.36.0-1']))
  prepare({ installed: CURRENT, listed: {}, mirror: { ...CURRENT, ...more } })
  expect(await install({ isRoot: true, more: BENCH_PACKAGES })).toEqual(new Map())
  expect(aptCalls()).toEqual(['update', `install ${BENCH_PACKAGES.join(' ')}`])
})

test('a browser that is too old is upgraded from refreshed lists', async () => {
  prepare({ installed: OLD_FIREFOX, listed: OLD_FIREFOX, mirror: CURRENT })
  expect(await install({ isRoot: true })).toEqual(new Map())
  expect(aptCalls()).toEqual(['update', 'install firefox-esr'])
})

test('a new machine with old lists gets the versions of the mirror', async () => {
  prepare({ installed: {}, listed: { ...OLD_FIREFOX, chromium: '120.0.1-1' }, mirror: CURRENT })
  expect(await install({ isRoot: true })).toEqual(new Map())
  expect(nowInstalled()).toEqual(CURRENT)
})

test('the found and the required version are named if the mirror has only an old one', async () => {
  const old = { ...OLD_FIREFOX, chromium: '149.0.1-1' }
  prepare({ installed: {}, listed: {}, mirror: old })
  expect(await install({ isRoot: true })).toEqual(
    new Map([
      ['tools', 'upgrade chromium from 149.0.1-1, which is too old, to 150 or newer (Debian packages)'],
      ['chromium', 'upgrade chromium from 149.0.1-1, which is too old, to 150 or newer (Debian packages)'],
      ['firefox', FIREFOX_ADVICE],
    ]),
  )
})

test('a failed refresh is reported, and the versions in the lists are installed anyway', async () => {
  prepare({ installed: {}, listed: CURRENT })
  expect(await install({ isRoot: true })).toEqual(new Map())
  expect(nowInstalled()).toEqual(CURRENT)
  expect(said).toContain('The package lists are not refreshed, so old versions may be installed: no network')
})

test('a refresh that hangs is killed, and the versions in the lists are installed anyway', async () => {
  prepare({ installed: {}, listed: OLD_FIREFOX, mirror: CURRENT, hangs: true })
  expect(await install({ isRoot: true, refreshTimeoutMs: 1_000 })).toEqual(new Map([['firefox', FIREFOX_ADVICE]]))
  // It may be killed before it has logged anything.
  expect(aptCalls().at(-1)).toBe(
    'install rdiff lz4 zsync nginx-light chromium postgresql-15 ceph-mon ceph-osd radosgw ceph-common firefox-esr gstreamer1.0-libav webkit2gtk-driver xvfb gstreamer1.0-plugins-bad',
  )
  expect(said).toContain('apt-get update took more than 1 s')
})

test('a failed installation is reported, with the packages that each suite lacks', async () => {
  const { rdiff: _, ...others } = CURRENT
  prepare({ installed: others, listed: others, mirror: others })
  expect(await install({ isRoot: true })).toEqual(new Map([['tools', 'install rdiff (Debian packages)']]))
  expect(said).toContain('E: Unable to locate package rdiff')
  expect(said).toContain('apt-get install failed')
})

test('a user who is not root is told what to do, and nothing is attempted', async () => {
  const { xvfb: _, ...installed } = OLD_FIREFOX
  prepare({ installed, listed: CURRENT, mirror: CURRENT })
  expect(await install({ isRoot: false })).toEqual(
    new Map([
      ['firefox', FIREFOX_ADVICE],
      ['webkit', 'install xvfb (Debian packages)'],
    ]),
  )
  expect(aptCalls()).toEqual([])
})

test('packages may not start their servers while they are installed', async () => {
  const { 'nginx-light': _, ...installed } = CURRENT
  prepare({ installed, listed: CURRENT, mirror: CURRENT })
  await install({ isRoot: true })
  expect(readFileSync(join(folder, 'policy.log'), 'utf8')).toBe('101\n')
  expect(existsSync(join(folder, 'policy-rc.d'))).toBe(false)
})

test('the policy of a machine for servers stays as it is', async () => {
  const { rdiff: _, ...installed } = CURRENT
  prepare({ installed, listed: CURRENT, mirror: CURRENT })
  const policy = '#!/bin/sh\nexit 104\n'
  writeFileSync(join(folder, 'policy-rc.d'), policy, { mode: 0o755 })
  await install({ isRoot: true })
  expect(readFileSync(join(folder, 'policy.log'), 'utf8')).toBe('104\n')
  expect(readFileSync(join(folder, 'policy-rc.d'), 'utf8')).toBe(policy)
})

test('a package that was removed but left its configuration counts as missing', async () => {
  prepare({ installed: CURRENT, listed: {} })
  save('removed', { xvfb: CURRENT.xvfb })
  expect(await install({ isRoot: false })).toEqual(new Map([['webkit', 'install xvfb (Debian packages)']]))
})

/** Puts stand-ins for dpkg-query and apt-get on the PATH. */
function prepare(machine: Machine): void {
  save('machine', machine)
  save('installed', machine.installed)
  save('removed', {})
  standIn('dpkg-query', ({ load, args }) => {
    const format = args[args.indexOf('--showformat') + 1]!
    for (const name of args.slice(3)) {
      const removed = load('removed')[name]
      const version = removed ?? load('installed')[name]
      if (version === undefined) process.exitCode = 1
      else {
        const facts = { Package: name, Version: version, 'db:Status-Status': removed ? 'config-files' : 'installed' }
        const line = format.replaceAll(/\$\{([^}]+)\}/g, (_, key) => facts[key as keyof typeof facts])
        process.stdout.write(line)
      }
    }
  })
  standIn('apt-get', ({ load, save: keep, log, askPolicy, args }) => {
    if (args[0] === '--version') return
    const machineNow = load('machine') as unknown as Machine
    const names = args.slice(1).filter((arg, index, all) => !arg.startsWith('-') && all[index - 1] !== '-o')
    log([args[0], ...names].join(' '))
    if (args[0] === 'update') {
      if (machineNow.hangs) setInterval(() => undefined, 1_000)
      else if (machineNow.mirror) keep('machine', { ...machineNow, listed: machineNow.mirror })
      else {
        console.error('no network')
        process.exitCode = 100
      }
      return
    }
    askPolicy()
    const unknown = names.find((name) => machineNow.listed[name] === undefined)
    if (unknown === undefined) {
      const added = Object.fromEntries(names.map((name) => [name, machineNow.listed[name]]))
      keep('installed', { ...load('installed'), ...added })
    } else {
      console.error(`E: Unable to locate package ${unknown}`)
      process.exitCode = 100
    }
  })
}

/** What the function of a stand-in can use. The function is written into a separate script. */
interface StandInTools {
  readonly args: readonly string[]
  load(name: string): Versions
  save(name: string, value: unknown): void
  log(line: string): void
  /** Asks, as a package does, whether it may start its server, and notes the answer. */
  askPolicy(): void
}

function standIn(name: string, act: (tools: StandInTools) => void): void {
  const path = join(folder, name)
  writeFileSync(
    path,
    `#!${process.execPath}
const { spawnSync } = require('node:child_process')
const { appendFileSync, readFileSync, writeFileSync } = require('node:fs')
const at = (name) => ${JSON.stringify(folder)} + '/' + name
const act = ${act.toString()}
act({
  args: process.argv.slice(2),
  load: (name) => JSON.parse(readFileSync(at(name + '.json'), 'utf8')),
  save: (name, value) => writeFileSync(at(name + '.json'), JSON.stringify(value)),
  log: (line) => appendFileSync(at('apt.log'), line + '\\n'),
  askPolicy: () => appendFileSync(at('policy.log'), spawnSync(at('policy-rc.d')).status + '\\n'),
})
`,
  )
  chmodSync(path, 0o755)
}

function save(name: string, value: unknown): void {
  writeFileSync(join(folder, `${name}.json`), JSON.stringify(value))
}

function nowInstalled(): unknown {
  return JSON.parse(readFileSync(join(folder, 'installed.json'), 'utf8'))
}

function aptCalls(): string[] {
  const path = join(folder, 'apt.log')
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : []
}
