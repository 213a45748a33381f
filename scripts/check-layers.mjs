// Checks the imports in src/ against the layer table of docs/architecture.md. They are read from the syntax tree, so type,
// dynamic and side-effect imports count too.
import { readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseSync, Visitor } from 'oxc-parser'
import { ROOT } from './run.mjs'
import { sourceFiles } from './source-files.mjs'

/**
 * @typedef {{
 *   floor: number
 *   packages?: string[]
 *   typesOnlyFrom?: string[]
 *   node?: RegExp
 *   rooms?: Record<string, string[]>
 * }} Rules
 */

/**
 * The layers from the bottom up; `floor` is the number of the layer. A file may import files of its own folder and of lower
 * layers, and the packages of its folder. The files in src/ itself are entry points, above all layers. If `rooms` divides a
 * folder, each file is in one of them, and imports only files of that room and of the rooms listed for it.
 *
 * @type {Record<string, Rules>}
 */
const FOLDERS = {
  'errors.ts': { floor: 0 },
  bytes: { floor: 1, packages: ['hash-wasm'] },
  rsync: { floor: 2, packages: ['hash-wasm'] },
  representation: { floor: 2 },
  store: { floor: 2, packages: ['hash-wasm', 'fflate'] },
  backends: {
    floor: 3,
    packages: ['aws4fetch'],
    typesOnlyFrom: ['store'],
    node: /^src\/backends\/directory(\/|\.ts$)/,
  },
  platform: { floor: 3, node: /./ },
  testing: { floor: 3, typesOnlyFrom: ['store'] },
  hive: { floor: 3 },
  http: { floor: 4, rooms: { client: ['protocol'], server: ['protocol'], protocol: [] } },
  cache: { floor: 4 },
  sync: { floor: 5 },
  'service-worker': { floor: 5 },
  browser: { floor: 6 },
  cli: { floor: 6, packages: ['commander', 'cli-progress', 'mrmime', 'srvx'], node: /./ },
}
/** @type {Rules} */
const ENTRY_POINT = { floor: 7 }
/** Packages that only one file imports, such as the driver of an engine. */
const FILE_PACKAGES = /** @type {Record<string, string[]>} */ ({
  'src/polyfill.ts': ['web-streams-polyfill'],
  'src/backends/postgres/connect.ts': ['postgres'],
})

/** @typedef {{ specifier: string | undefined, typeOnly: boolean, reexport: boolean }} Import */

/**
 * @param {Map<string, string>} files the text of each source file by its path, such as `src/bytes/chunk-queue.ts`
 * @returns {string[]} one line for each broken rule
 */
export function checkLayers(files) {
  /** @type {string[]} */
  const problems = []
  /** @type {Map<string, Set<string>>} */
  const graph = new Map()
  for (const [path, text] of files) {
    const parsed = parseSync(path, text)
    for (const { message } of parsed.errors) problems.push(`${path}: ${message}`)
    for (const { value } of parsed.comments) {
      if (/^\/\s*<reference/.test(value)) problems.push(`${path}: a reference directive imports past this check`)
    }
    const targets = new Set()
    graph.set(path, targets)
    for (const entry of importsOf(parsed.program)) {
      problems.push(...checkImport(path, entry).map((problem) => `${path}: ${problem}`))
      if (entry.specifier?.startsWith('.')) targets.add(posix.join(posix.dirname(path), entry.specifier))
    }
  }
  problems.push(...cyclesIn(graph))
  return problems
}

/**
 * @param {string} path
 * @param {Import} entry
 * @returns {string[]}
 */
function checkImport(path, { specifier, typeOnly, reexport }) {
  if (specifier === undefined) return ['an import whose target is computed cannot be checked']
  /** @type {string[]} */
  const problems = []
  const from = folderOf(path)
  const rules = rulesOf(from)
  if (!rules) return [`src/${from} has no row in the layer table`]
  if (reexport && !isEntryPoint(path)) problems.push(`re-exports ${specifier}: only entry points do`)

  if (specifier.startsWith('node:')) {
    if (!rules.node?.test(path))
      problems.push(`imports ${specifier}: only src/backends/directory, src/platform and src/cli may`)
  } else if (!specifier.startsWith('.')) {
    const packages = FILE_PACKAGES[path] ?? rules.packages ?? []
    if (!packages.includes(packageOf(specifier))) problems.push(`imports the package ${specifier}`)
  } else {
    if (!specifier.endsWith('.ts')) problems.push(`imports ${specifier}: relative imports end in .ts`)
    const target = posix.join(posix.dirname(path), specifier)
    const to = folderOf(target)
    const targetRules = rulesOf(to)
    if (!target.startsWith('src/')) problems.push(`imports ${specifier}, which is outside src/`)
    else if (!targetRules) problems.push(`imports ${specifier}: src/${to} has no row in the layer table`)
    else if (to !== from && targetRules.floor >= rules.floor && !isTopEntryPoint(path)) {
      problems.push(
        `imports ${specifier}: ${from} (floor ${rules.floor}) may not use ${to} (floor ${targetRules.floor})`,
      )
    } else if (to === from && rules.rooms) {
      problems.push(...checkRooms(from, rules.rooms, path, target))
    } else if (to !== from && rules.typesOnlyFrom?.includes(to) && !typeOnly) {
      problems.push(`imports ${specifier}: ${from} takes only types from ${to}, with "import type"`)
    }
  }
  return problems
}

/**
 * @param {string} folder
 * @param {Record<string, string[]>} rooms
 * @param {string} path
 * @param {string} target
 * @returns {string[]}
 */
function checkRooms(folder, rooms, path, target) {
  const [from, to] = [roomOf(path), roomOf(target)]
  if (!Object.hasOwn(rooms, from)) return [`is not in a room of src/${folder}: ${Object.keys(rooms).join(', ')}`]
  if (from === to || rooms[from]?.includes(to)) return []
  return [`imports ${target}: ${folder}/${from} may not use ${folder}/${to}`]
}

/**
 * @param {import('oxc-parser').Program} program
 * @returns {Import[]}
 */
function importsOf(program) {
  /** @type {Import[]} */
  const imports = []
  /** @type {Map<string, string>} */
  const bindings = new Map()
  const add = (/** @type {unknown} */ node, typeOnly = false, reexport = false) => {
    imports.push({ specifier: literal(node), typeOnly, reexport })
  }
  new Visitor({
    ImportDeclaration(node) {
      add(node.source, node.importKind === 'type')
      for (const { local } of node.specifiers) bindings.set(local.name, node.source.value)
    },
    ExportAllDeclaration: (node) => add(node.source, node.exportKind === 'type', true),
    ExportNamedDeclaration(node) {
      if (node.source) add(node.source, node.exportKind === 'type', true)
    },
    ImportExpression: (node) => add(node.source),
    TSImportType: (node) => add(node.source, true),
    TSExternalModuleReference: (node) => add(node.expression),
    CallExpression(node) {
      if (node.callee.type === 'Identifier' && node.callee.name === 'require') add(node.arguments[0])
    },
  }).visit(program)
  // Exporting a name that was imported is a re-export too; imports may come after exports.
  new Visitor({
    ExportSpecifier(node) {
      const origin = node.local.type === 'Identifier' ? bindings.get(node.local.name) : undefined
      if (origin !== undefined) imports.push({ specifier: origin, typeOnly: true, reexport: true })
    },
  }).visit(program)
  return imports
}

/** @param {unknown} node */
function literal(node) {
  const { type, value } = /** @type {{ type: string, value?: unknown }} */ (node)
  return type === 'Literal' && typeof value === 'string' ? value : undefined
}

/**
 * @param {Map<string, Set<string>>} graph
 * @returns {string[]}
 */
function cyclesIn(graph) {
  /** @type {string[]} */
  const cycles = []
  /** @type {Set<string>} */
  const done = new Set()
  const visit = (/** @type {string} */ path, /** @type {string[]} */ trail) => {
    if (trail.includes(path)) cycles.push([...trail.slice(trail.indexOf(path)), path].join(' → '))
    if (trail.includes(path) || done.has(path)) return
    for (const target of graph.get(path) ?? []) visit(target, [...trail, path])
    done.add(path)
  }
  for (const path of graph.keys()) visit(path, [])
  return cycles.map((cycle) => `files import each other: ${cycle}`)
}

/** @param {string} path @returns {string} */
function folderOf(path) {
  return path.split('/')[1] ?? ''
}

/** @param {string} path @returns {string} */
function roomOf(path) {
  return path.split('/')[2] ?? ''
}

/** @param {string} folder */
function rulesOf(folder) {
  return FOLDERS[folder] ?? (folder.endsWith('.ts') ? ENTRY_POINT : undefined)
}

/** @param {string} path */
function isTopEntryPoint(path) {
  return rulesOf(folderOf(path)) === ENTRY_POINT
}

/** @param {string} path */
function isEntryPoint(path) {
  return isTopEntryPoint(path) || /^src\/(backends|browser)\/[^/]+\.ts$/.test(path)
}

/** @param {string} specifier */
function packageOf(specifier) {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const files = new Map(sourceFiles().map((path) => [path, readFileSync(new URL(path, pathToFileURL(ROOT)), 'utf8')]))
  const problems = checkLayers(files)
  for (const problem of problems) console.error(problem)
  console.log(`${files.size} files, ${problems.length} broken rules`)
  process.exitCode = files.size > 0 && problems.length === 0 ? 0 : 1
}
