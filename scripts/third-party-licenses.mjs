import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './run.mjs'

const HEADER = `The scripts in browser/ and the command in cli/ contain parts of these packages.
`
const RULE = '-'.repeat(72)

/**
 * Collects the licences of the npm packages that the given files belong to.
 *
 * @param {readonly string[]} files paths in the checkout
 * @returns {string}
 * @throws {Error} if a package has no licence file
 */
export function thirdPartyLicenses(files) {
  const folders = new Set(files.flatMap((path) => /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []))
  return [HEADER, ...[...folders].toSorted().map(licenceOf)].join(`\n${RULE}\n\n`)
}

/** @param {string} folder */
function licenceOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'))
  const file = readdirSync(join(ROOT, folder)).find((entry) => /^(un)?licen[cs]e/i.test(entry))
  // It asks for nothing, not even to be included.
  if (file === undefined && license === 'Unlicense') {
    return `${name} ${version} (${license})\n\nIts authors have dedicated it to the public domain: https://unlicense.org\n`
  }
  if (file === undefined) throw new Error(`${folder} has no licence file, so it cannot be part of a bundle`)
  return `${name} ${version} (${license})\n\n${readFileSync(join(ROOT, folder, file), 'utf8').trim()}\n`
}
