import { createRequire, isBuiltin } from 'node:module'
import { basename } from 'node:path'
import { ROOT } from './run.mjs'

/** Scripts that a page and its workers load as one file each, because not every browser resolves bare imports in them. */
const BROWSER_ENTRIES = [
  'src/browser/page.ts',
  'src/browser/service-worker.ts',
  'src/browser/browser-hive.ts',
  'src/browser/browser-hive-worker.ts',
  'src/browser/cache-worker.ts',
  'src/browser/opfs-worker.ts',
  'src/browser/rsync-worker.ts',
  'src/browser/sha256-worker.ts',
]

/**
 * The command. Each part is one file, because each further file takes about 0.5 ms to load: with a chunk for each dynamic
 * import, `comb ls` took a quarter longer. In one file, a module that is imported dynamically still runs only when it is
 * imported.
 */
const COMMAND_ENTRY = 'src/cli/main.ts'
const COMMAND_PARTS = ['src/cli/hive-main.ts', 'src/cli/rdiff-main.ts']

/** The script of a thread that the command starts. The chunk that starts it looks for it in its own folder. */
const THREAD_ENTRY = 'src/backends/directory/commit-thread-script.ts'

/**
 * Bundles the code that is run rather than imported: the scripts for browsers, and the command. Bundles that include the
 * library start faster than the modules of the package.
 *
 * @param {string} target folder in the checkout
 * @returns {Promise<string[]>} the files that are part of a bundle, such as `node_modules/commander/index.js`
 */
export async function bundle(target) {
  // Imported here, because the npm packages may not have been installed before.
  const { build } = await import('esbuild')
  const common = /** @type {const} */ ({
    absWorkingDir: ROOT,
    bundle: true,
    format: 'esm',
    target: 'es2023',
    // Names are kept, so that reported stack traces are readable.
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'eof',
    logLevel: 'warning',
    metafile: true,
    tsconfigRaw: {},
  })
  const results = /** @type {import('esbuild').BuildResult<{ metafile: true }>[]} */ ([
    await build({ ...common, entryPoints: BROWSER_ENTRIES, outdir: `${target}/browser`, platform: 'browser' }),
  ])
  for (const entry of [COMMAND_ENTRY, ...COMMAND_PARTS, THREAD_ENTRY]) {
    results.push(
      await build({
        ...common,
        entryPoints: [entry],
        outdir: `${target}/cli`,
        platform: 'node',
        // No code can be left out of a CommonJS package.
        mainFields: ['module', 'main'],
        plugins: [builtins, commandParts],
      }),
    )
  }
  const outputs = results.flatMap(({ metafile }) => Object.values(metafile.outputs))
  return [...new Set(outputs.flatMap(({ inputs }) => Object.keys(inputs)))]
}

/**
 * Keeps the imports of the parts of the command as imports.
 *
 * @type {import('esbuild').Plugin}
 */
const commandParts = {
  name: 'command-parts',
  setup({ onResolve }) {
    const names = COMMAND_PARTS.map((path) => basename(path, '.ts'))
    onResolve({ filter: /^\.\/[\w-]+\.ts$/ }, ({ path }) => {
      const name = names.find((each) => path === `./${each}.ts`)
      return name === undefined ? undefined : { path: `./${name}.js`, external: true }
    })
  },
}

/**
 * Gets Node's built-in modules with `process.getBuiltinModule`, which Node 22.3 and newer has. CommonJS packages
 * `require` them, which an ES module cannot do. An import evaluates everything that the module exports: for node:fs, it
 * loads all kinds of streams, which takes a fifth of Node's start-up time.
 *
 * @type {import('esbuild').Plugin}
 */
const builtins = {
  name: 'builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /./ }, ({ path, kind }) => {
      if (!isBuiltin(path)) return undefined
      if (kind === 'import-statement') return { path, namespace: 'imported-builtin' }
      return kind === 'require-call' ? { path, namespace: 'required-builtin' } : undefined
    })
    onLoad({ filter: /./, namespace: 'imported-builtin' }, ({ path }) => ({ contents: builtinModule(path) }))
    onLoad({ filter: /./, namespace: 'required-builtin' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule('${path}')`,
    }))
  },
}

/** Built-in modules of the command that take 2 ms and 7 ms to load, and that most commands do not use. */
const LOADED_WHEN_CALLED = ['node:child_process', 'node:crypto']

/**
 * Returns an ES module with the exports of a built-in module. esbuild leaves out those that are not used. In a CommonJS
 * module it would read all of them, and for node:util even that loads streams, workers and assertions.
 *
 * @param {string} path such as `node:fs`
 */
function builtinModule(path) {
  const builtin = createRequire(import.meta.url)(path)
  const names = Object.keys(builtin).filter((name) => name !== 'default')
  if (LOADED_WHEN_CALLED.includes(path)) {
    const isFunction = (/** @type {string} */ name) => typeof builtin[name] === 'function' && /^[a-z]/.test(name)
    return [
      `const load = () => process.getBuiltinModule('${path}')`,
      `export default { ${names.map((name) => `get ${name}() { return load().${name} }`).join(', ')} }`,
      ...names.filter(isFunction).map((name) => `export const ${name} = (...values) => load().${name}(...values)`),
    ].join('\n')
  }
  return [
    `const builtin = process.getBuiltinModule('${path}')`,
    'export default builtin',
    ...names.map((name) => `export const ${name} = /* @__PURE__ */ (() => builtin.${name})()`),
  ].join('\n')
}
