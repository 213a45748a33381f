import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { ROOT, run } from '../../scripts/run.mjs'

/** Names that .gitignore excludes. */
const NOT_CLONED = /^(node_modules|dist|dist-.*|data|\.git|\.cache|kernel-binary\.ts.*|.*\.log|.*\.tgz)$/
const TIMEOUT_MS = 300_000

/** The package as npm packs it from a clean checkout, installed into an otherwise empty project. */
export interface InstalledPackage {
  /** A copy of this checkout, as git would clone it, in which `npm pack` has run. */
  readonly checkout: string
  /** Folder of the project. */
  readonly project: string
  /** Removes both. */
  remove(): void
}

/** Packs and installs without the network: the package's dependencies are packed from this checkout too. */
export async function installPackage(): Promise<InstalledPackage> {
  const folder = mkdtempSync(join(tmpdir(), 'combstream-'))
  const checkout = join(folder, 'checkout')
  const project = join(folder, 'project')
  const tarballs = join(folder, 'tarballs')
  cpSync(ROOT, checkout, { recursive: true, filter: (path) => path === ROOT || !NOT_CLONED.test(basename(path)) })
  symlinkSync(join(ROOT, 'node_modules'), join(checkout, 'node_modules'))
  mkdirSync(tarballs)
  await npm(checkout, 'pack', '--silent', '--pack-destination', tarballs)
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  const folders = Object.keys(dependencies).map((name) => `./node_modules/${name}`)
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
