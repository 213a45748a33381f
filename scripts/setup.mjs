// Prepares a fresh checkout to be built and tested. It runs before anything is installed, on the machine's own Node (20 or
// newer), so it is plain JavaScript without dependencies.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ROOT, run } from './run.mjs'
import { installSystemPackages } from './system-packages.mjs'

const MINUTE_MS = 60_000

/** Installs the npm packages of the lock file, unless all of them are installed. */
export async function installPackages() {
  if (packagesAreCurrent()) return
  console.log('Installing the npm packages …')
  // Warnings would only say that the machine's own Node, which runs this, is older than the one being installed. The other
  // options override settings inherited from `npm pack --dry-run` or from a production environment.
  const { code } = await run(
    ['npm', 'ci', '--loglevel=error', '--include=dev', '--no-dry-run', '--no-ignore-scripts'],
    {
      timeoutMs: 10 * MINUTE_MS,
      show: true,
      own: false,
    },
  )
  if (code !== 0) throw new Error('npm ci failed')
}

function packagesAreCurrent() {
  const wanted = packagesIn('package-lock.json')
  // npm writes this file once an installation is complete.
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

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await installPackages()
  for (const [suite, advice] of await installSystemPackages()) console.log(`${suite} cannot be tested here: ${advice}`)
}
