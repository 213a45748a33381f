import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { ROOT, run } from '../../scripts/run.mjs'

/** Names that .gitignore excludes. */
const NOT_CLONED = /^(node_modules|dist|dist-.*|data|\.git|\.cache|kernel-binary\.ts.*|.*\.log|.*\.tgz)$/
const TIMEOUT_MS = 300_000

/** The package as npm packs it, installed into an otherwise empty project. */
export interface InstalledPackage {
  /** The checkout in which `npm pack` has run. */
  readonly checkout: string
  /** Folder of the project. */
  readonly project: string
  /** Removes the project, and the checkout if it is a copy. */
  remove(): void
}

/**
 * Packs and installs without the network: the package's dependencies are packed from this checkout too.
 *
 * @param isClean Whether to pack a copy of this checkout as git would clone it, which builds it. Otherwise, the build of this
 *   checkout is packed.
 */
export async function installPackage(isClean: boolean): Promise<InstalledPackage> {
  const folder = mkdtempSync(join(tmpdir(), 'combstream-'))
  const checkout = isClean ? join(folder, 'checkout') : ROOT
  const project = join(folder, 'project')
  const tarballs = join(folder, 'tarballs')
  mkdirSync(tarballs)
  if (isClean) {
    cpSync(ROOT, checkout, { recursive: true, filter: (path) => path === ROOT || !NOT_CLONED.test(basename(path)) })
    symlinkSync(join(ROOT, 'node_modules'), join(checkout, 'node_modules'))
    await npm(checkout, 'pack', '--silent', '--pack-destination', tarballs)
  }
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  const folders = [...(isClean ? [] : ['.']), ...Object.keys(dependencies).map((name) => `./node_modules/${name}`)]
  await npm(ROOT, 'pack', '--silent', '--ignore-scripts', '--pack-destination', tarballs, ...folders)

  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'project', private: true, type: 'module' }))
  const files = readdirSync(tarballs).map((name) => join(tarballs, name))
  await npm(project, 'install', '--offline', '--no-audit', '--no-fund', ...files)
  return { checkout, project, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

/** Runs npm. Returns its output. */
export async function npm(cwd: string, ...args: string[]): Promise<string> {
  const { code, output } = await run(['npm', ...args], { cwd, timeoutMs: TIMEOUT_MS })
  if (code !== 0) throw new Error(`npm ${args.join(' ')} failed\n${output}`)
  return output
}
