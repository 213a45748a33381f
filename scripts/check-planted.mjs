// Plants each mistake of node-tests/planted in a copy of the sources, and checks that the tests catch it. Each mistake
// breaks a rule of the protocol. Nearly all of them lose data or leave some behind, as the model shows
// (model/variants.ts). A few only make a report wrong.
//
//   node_modules/.bin/node scripts/check-planted.mjs                 all of them
//   node_modules/.bin/node scripts/check-planted.mjs markUnchecked   those whose names start with this
//
// The second line of a patch says what catches it: `orders` and a prefix of a scenario's name, for
// scripts/explore-schedules.mjs, `tests` and a part of the name of their file, or `runs cache` for scripts/cache-runs.mjs.
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { ROOT, run } from './run.mjs'

const PLANTED = join(ROOT, 'node-tests/planted')
const COPIED = ['src', 'node-tests', 'browser-tests', 'scripts', 'vitest.config.ts', 'package.json', 'jsr.json']
const TIMEOUT_MS = 600_000

const copy = mkdtempSync(join(tmpdir(), 'combstream-planted-'))
process.on('exit', () => rmSync(copy, { recursive: true, force: true }))
for (const name of COPIED) cpSync(join(ROOT, name), join(copy, name), { recursive: true })
symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'))

/** @param {string[]} command */
const inCopy = (command) => run(command, { timeoutMs: TIMEOUT_MS, cwd: copy })

/** Returns the commands to catch a mistake. Each fails if it catches it. @param {string} kind @param {string} name */
function commandsFor(kind, name) {
  if (kind === 'tests')
    return [[process.execPath, 'node_modules/vitest/vitest.mjs', 'run', '--project', 'node', '--bail', '1', name]]
  if (kind === 'runs') return [[process.execPath, `scripts/${name}-runs.mjs`, '--runs', '500', '--first']]
  const explore = [process.execPath, 'scripts/explore-schedules.mjs', '--first', '--deaths', '0', '--scenario', name]
  return [
    [...explore, '--preemptions', '1'],
    [...explore, '--preemptions', '2'],
  ]
}

let missed = 0
for (const file of readdirSync(PLANTED).filter((each) => each.startsWith(process.argv[2] ?? ''))) {
  const path = join(PLANTED, file)
  const [, kind, name] = /^Caught by: (orders|runs|tests) ?(.*)$/m.exec(readFileSync(path, 'utf8')) ?? []
  if (kind === undefined || name === undefined) throw new Error(`${file} does not say what catches it`)
  const applied = await inCopy(['git', 'apply', path])
  if (applied.code !== 0) throw new Error(`${file} does not fit the sources any more: ${applied.output}`)
  let caught
  for (const command of commandsFor(kind, name)) {
    const { code, timedOut, output } = await inCopy(command)
    if (timedOut) break
    // A mistake counts as caught if its effect is noticed, not if the code fails to load.
    if (code !== 0)
      caught = stripVTControlCharacters(output)
        .split('\n')
        .find((line) => /, order |seed \d+:|, seed |, interrupted |AssertionError|Error: /.test(line))
    if (caught !== undefined) break
  }
  await inCopy(['git', 'apply', '-R', path])
  if (caught === undefined) missed++
  console.log(
    `${caught === undefined ? 'MISSED' : 'caught'} ${file.replace('.patch', '')}: ${caught?.trim().slice(0, 160) ?? kind}`,
  )
}
console.log(missed === 0 ? 'all were caught' : `${missed} were missed`)
process.exitCode = missed === 0 ? 0 : 1
