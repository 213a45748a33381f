// Checks that package.json and jsr.json have the same entry points, version and dependencies, and that the files exist.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ROOT } from './run.mjs'
import { sourceFiles } from './source-files.mjs'

/**
 * @typedef {{
 *   version?: string
 *   exports?: Record<string, unknown>
 *   dependencies?: Record<string, string>
 *   peerDependencies?: Record<string, string>
 * }} PackageJson
 * @typedef {{ version?: string, exports?: Record<string, unknown>, imports?: Record<string, string> }} JsrJson
 */

/**
 * @param {{ packageJson: PackageJson, jsrJson: JsrJson, files: string[] }} project `files` are the source files
 * @returns {string[]} one line for each difference
 */
export function checkExports({ packageJson, jsrJson, files }) {
  /** @type {string[]} */
  const problems = []
  const npm = packageJson.exports ?? {}
  const jsr = jsrJson.exports ?? {}
  const modules = new Map(files.filter(isEntryPoint).map((path) => [entryKey(path), path]))
  // Only the npm package has the scripts built for browsers: JSR has the sources.
  const scripts = new Map(files.filter(isBrowserScript).map((path) => [`${entryKey(path)}.js`, path]))
  const built = new Map([...modules, ...scripts])

  for (const [key, path] of built) {
    const name = path.replace('src/', './dist/').replace(/\.ts$/, '')
    const wanted = { types: `${name}.d.ts`, default: `${name}.js` }
    if (JSON.stringify(npm[key]) !== JSON.stringify(wanted)) {
      problems.push(`package.json: exports["${key}"] should be ${JSON.stringify(wanted)}, for ${path}`)
    }
  }
  for (const [key, path] of modules) {
    if (jsr[key] !== `./${path}`) problems.push(`jsr.json: exports["${key}"] should be "./${path}"`)
  }
  for (const key of Object.keys(npm)) {
    if (!built.has(key)) problems.push(`package.json: exports["${key}"] has no source file`)
  }
  for (const key of Object.keys(jsr)) {
    if (!modules.has(key)) problems.push(`jsr.json: exports["${key}"] has no source file`)
  }
  if (packageJson.version !== jsrJson.version) {
    problems.push(`package.json has version ${packageJson.version}, jsr.json ${jsrJson.version}`)
  }
  for (const [name, specifier] of Object.entries(jsrJson.imports ?? {})) {
    if (!specifier.startsWith('npm:')) continue
    const wanted = `npm:${name}@${packageJson.dependencies?.[name] ?? packageJson.peerDependencies?.[name]}`
    if (specifier !== wanted) problems.push(`jsr.json: imports["${name}"] should be "${wanted}", not "${specifier}"`)
  }
  return problems
}

/** @param {string} path */
function isEntryPoint(path) {
  return /^src\/(backends\/)?[^/]+\.ts$/.test(path) && path !== 'src/errors.ts'
}

/** @param {string} path */
function isBrowserScript(path) {
  return /^src\/browser\/[^/]+\.ts$/.test(path)
}

/**
 * @param {string} path
 * @returns {string}
 */
function entryKey(path) {
  const name = path.slice('src/'.length, -'.ts'.length)
  return name === 'index' ? '.' : `./${name}`
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const json = (/** @type {string} */ name) => JSON.parse(readFileSync(join(ROOT, name), 'utf8'))
  const problems = checkExports({
    packageJson: json('package.json'),
    jsrJson: json('jsr.json'),
    files: sourceFiles(),
  })
  for (const problem of problems) console.error(problem)
  process.exitCode = problems.length === 0 ? 0 : 1
}
