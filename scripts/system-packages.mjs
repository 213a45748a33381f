// Installs what the test suites need besides npm packages. Like setup.mjs, it runs before anything is installed.
import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { run } from './run.mjs'

const MINUTE_MS = 60_000

/** Asked by Debian's packages whether they may start the servers that they bring (invoke-rc.d(8)). */
const POLICY_PATH = '/usr/sbin/policy-rc.d'

/** The Debian packages that the tests of engines for servers need. */
const ENGINES = ['postgresql-15']

/** An S3 service on one machine: Ceph's object gateway, and what it needs. */
const OBJECT_STORE = ['ceph-mon', 'ceph-osd', 'radosgw', 'ceph-common']

/** The Debian packages that each suite needs. */
const SUITE_PACKAGES = {
  tools: ['rdiff', 'lz4', 'zsync', 'nginx-light', 'chromium', ...ENGINES, ...OBJECT_STORE],
  chromium: ['chromium'],
  // Firefox decodes H.264 and AAC with libavcodec, a dependency of gstreamer1.0-libav.
  firefox: ['firefox-esr', 'gstreamer1.0-libav'],
  webkit: ['webkit2gtk-driver', 'xvfb', 'gstreamer1.0-libav', 'gstreamer1.0-plugins-bad'],
  node24: ENGINES,
  node22: ENGINES,
  deno: ENGINES,
  bun: ENGINES,
}

const ALL_PACKAGES = [...new Set(Object.values(SUITE_PACKAGES).flat())]

/** The Debian packages that only the benches need. */
export const BENCH_PACKAGES = ['aria2', 'python3-gi', 'gir1.2-webkit2-4.1']

/**
 * The oldest major versions known to work with the pinned playwright, which fails with Firefox 140.
 *
 * @type {Record<string, number>}
 */
const OLDEST_MAJOR = { 'firefox-esr': 153, chromium: 150 }

/**
 * Installs or upgrades packages that are missing or too old, if possible. If there are none, it changes nothing and
 * needs no network.
 *
 * @param {{ isRoot?: boolean, refreshTimeoutMs?: number, policyPath?: string, more?: readonly string[] }} [options]
 *   `more` names packages besides those of the suites
 * @returns {Promise<Map<string, string>>} each suite that cannot run here, and what to do about it
 */
export async function installSystemPackages({
  isRoot = process.getuid?.() === 0,
  refreshTimeoutMs = 2 * MINUTE_MS,
  policyPath = POLICY_PATH,
  more = [],
} = {}) {
  const wanted = unmetPackages([...ALL_PACKAGES, ...more])
  if (wanted.size > 0 && isRoot && hasApt()) {
    await withoutServers(policyPath, () => aptInstall([...wanted.keys()], refreshTimeoutMs))
  }
  const unmet = unmetPackages(ALL_PACKAGES)
  /** @type {Map<string, string>} */
  const unavailable = new Map()
  for (const [suite, names] of Object.entries(SUITE_PACKAGES)) {
    const advice = names.flatMap((name) => unmet.get(name) ?? [])
    if (advice.length > 0) unavailable.set(suite, `${advice.join(', ')} (Debian packages)`)
  }
  return unavailable
}

/**
 * @param {readonly string[]} names
 * @returns {Map<string, string>} the packages that are missing or too old, and what to do about each
 */
function unmetPackages(names) {
  const format = '${Package} ${Version} ${db:Status-Status}\n'
  const query = spawnSync('dpkg-query', ['--show', '--showformat', format, ...names], { encoding: 'utf8' })
  /** @type {Map<string, string>} */
  const installed = new Map()
  for (const line of (query.stdout ?? '').split('\n')) {
    const [name, version, status] = line.split(' ')
    if (name && version && status === 'installed') installed.set(name, version)
  }
  /** @type {Map<string, string>} */
  const unmet = new Map()
  for (const name of names) {
    const version = installed.get(name)
    const oldest = OLDEST_MAJOR[name] ?? 0
    if (version === undefined) unmet.set(name, `install ${name}`)
    else if (majorOf(version) < oldest) {
      unmet.set(name, `upgrade ${name} from ${version}, which is too old, to ${oldest} or newer`)
    }
  }
  return unmet
}

/** @param {string} version of a Debian package, such as `2:21.1.7-3` with an epoch */
function majorOf(version) {
  return parseInt(version.replace(/^\d+:/, ''), 10)
}

function hasApt() {
  return spawnSync('apt-get', ['--version']).error === undefined
}

/**
 * Keeps packages from starting their servers, which would listen on all addresses; tests start their own. A machine that
 * has a policy keeps it.
 *
 * @param {string} path
 * @param {() => Promise<void>} install
 */
async function withoutServers(path, install) {
  // If this process is killed, what it leaves forbids nothing.
  const policy = `#!/bin/sh\n# Made by the tests of combstream for as long as they install packages.\ntest ! -d /proc/${process.pid} || exit 101\n`
  try {
    writeFileSync(path, policy, { flag: 'wx', mode: 0o755 })
  } catch {
    return install()
  }
  try {
    await install()
  } finally {
    rmSync(path, { force: true })
  }
}

/**
 * @param {string[]} names
 * @param {number} refreshTimeoutMs
 */
async function aptInstall(names, refreshTimeoutMs) {
  const environment = { DEBIAN_FRONTEND: 'noninteractive' }
  const lock = ['-o', 'DPkg::Lock::Timeout=120']
  console.log(`Installing the Debian packages ${names.join(' ')} …`)
  // With outdated lists, old versions would be installed without an error.
  const refresh = await run(['apt-get', 'update', ...lock], { timeoutMs: refreshTimeoutMs, environment })
  if (refresh.code !== 0) {
    const why = refresh.timedOut ? `apt-get update took more than ${refreshTimeoutMs / 1000} s` : refresh.output.trim()
    console.log(`The package lists are not refreshed, so old versions may be installed: ${why}`)
  }
  const install = ['apt-get', 'install', '-y', '--no-install-recommends', ...lock, ...names]
  const { code, timedOut, output } = await run(install, { timeoutMs: 10 * MINUTE_MS, environment })
  if (code !== 0) console.log(`${output}\napt-get install ${timedOut ? 'took too long' : 'failed'}`)
}
