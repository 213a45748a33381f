// Brings a fresh checkout to where it can be built and tested. Runs before anything is installed, on the machine's own
// Node (20 or newer), so it is plain JavaScript without dependencies.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ROOT, run } from './run.mjs'

const MINUTE_MS = 60_000

/** The Debian packages that each suite needs. */
const SYSTEM_PACKAGES = {
  tools: ['rdiff', 'chromium'],
  chromium: ['chromium'],
  // Firefox decodes H.264 and AAC with the libavcodec that gstreamer1.0-libav brings.
  firefox: ['firefox-esr', 'gstreamer1.0-libav'],
  webkit: ['webkit2gtk-driver', 'xvfb', 'gstreamer1.0-libav', 'gstreamer1.0-plugins-bad'],
}

/** Installs the npm packages of the lock file, unless they are all there. */
export async function installPackages() {
  if (packagesAreCurrent()) return
  console.log('Installing the npm packages …')
  // Warnings would only say that the machine's own Node, which this runs on, is older than the one being installed.
  const { code } = await run(['npm', 'ci', '--loglevel=error'], {
    timeoutMs: 10 * MINUTE_MS,
    show: true,
    own: false,
  })
  if (code !== 0) throw new Error('npm ci failed')
}

/**
 * Installs what the suites need beside npm packages, where that is possible.
 *
 * @returns {Promise<Map<string, string>>} each suite that cannot run here, and what to do about it
 */
export async function installSystemPackages() {
  const missing = missingSystemPackages()
  if (missing.length > 0 && existsSync('/usr/bin/apt-get') && process.getuid?.() === 0) {
    console.log(`Installing the Debian packages ${missing.join(' ')} …`)
    await aptInstall(missing)
  }
  const left = missingSystemPackages()
  /** @type {Map<string, string>} */
  const unavailable = new Map()
  for (const [suite, names] of Object.entries(SYSTEM_PACKAGES)) {
    const wanted = names.filter((name) => left.includes(name))
    if (wanted.length > 0) unavailable.set(suite, `install ${wanted.join(', ')} (Debian packages)`)
  }
  return unavailable
}

function packagesAreCurrent() {
  const wanted = packagesIn('package-lock.json')
  // npm writes this file when an installation is complete.
  const installed = packagesIn('node_modules/.package-lock.json')
  return Object.entries(wanted).every(([path, { version, integrity, optional, link }]) => {
    if (path === '' || link) return true
    const found = installed[path]
    return found ? found.version === version && found.integrity === integrity : optional === true
  })
}

/**
 * @param {string} path
 * @returns {Record<string, { version?: string, integrity?: string, optional?: boolean, link?: boolean }>}
 */
function packagesIn(path) {
  const file = join(ROOT, path)
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : {}
}

function missingSystemPackages() {
  const all = [...new Set(Object.values(SYSTEM_PACKAGES).flat())]
  const query = spawnSync('dpkg-query', ['--show', '--showformat', '${Package} ${db:Status-Status}\n', ...all], {
    encoding: 'utf8',
  })
  const installed = new Set((query.stdout ?? '').split('\n'))
  return all.filter((name) => !installed.has(`${name} installed`))
}

/** @param {string[]} names */
async function aptInstall(names) {
  const environment = { DEBIAN_FRONTEND: 'noninteractive' }
  const lock = ['-o', 'DPkg::Lock::Timeout=120']
  const install = ['apt-get', 'install', '-y', '--no-install-recommends', ...lock, ...names]
  const attempt = () => run(install, { timeoutMs: 10 * MINUTE_MS, environment })
  // Without package lists, or with old ones, the first attempt fails before it has changed anything.
  if ((await attempt()).code === 0) return
  await run(['apt-get', 'update', ...lock], { timeoutMs: 5 * MINUTE_MS, environment })
  const { code, output } = await attempt()
  if (code !== 0) console.log(`${output}\napt-get install failed`)
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await installPackages()
  for (const [suite, advice] of await installSystemPackages()) console.log(`${suite} cannot be tested here: ${advice}`)
}
