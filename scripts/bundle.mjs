import { isBuiltin } from 'node:module'
import { basename } from 'node:path'
import { ROOT } from './run.mjs'

/** Scripts that a page and its workers load as one file each, because not every browser resolves bare imports in them. */
const BROWSER_ENTRIES = ['src/browser/page.ts', 'src/browser/service-worker.ts', 'src/browser/rsync-worker.ts']

/**
 * The command, and the part of it that has a bundle of its own. If that part shared chunks with the rest, it would be
 * loaded from twenty files instead of a few, and start a fifth slower.
 */
const COMMAND_ENTRIES = ['src/cli/main.ts', 'src/cli/rdiff-main.ts']

/**
 * Bundles the code that is run rather than imported: the scripts for browsers, and the command, in chunks that are loaded
 * when they are needed. Bundles that include the library start faster than the modules of the package.
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
  for (const entry of COMMAND_ENTRIES) {
    results.push(
      await build({
        ...common,
        entryPoints: [entry],
        outdir: `${target}/cli`,
        splitting: true,
        platform: 'node',
        // Nothing can be left out of a package in CommonJS.
        mainFields: ['module', 'main'],
        plugins: [builtins, otherEntries(entry)],
      }),
    )
  }
  const outputs = results.flatMap(({ metafile }) => Object.values(metafile.outputs))
  return [...new Set(outputs.flatMap(({ inputs }) => Object.keys(inputs)))]
}

/**
 * Keeps imports of the other entries as imports.
 *
 * @param {string} entry the entry that is bundled
 * @returns {import('esbuild').Plugin}
 */
function otherEntries(entry) {
  const names = COMMAND_ENTRIES.filter((each) => each !== entry).map((each) => basename(each, '.ts'))
  return {
    name: 'other-entries',
    setup({ onResolve }) {
      onResolve({ filter: /^\.\/[\w-]+\.ts$/ }, ({ path }) => {
        const name = basename(path, '.ts')
        return names.includes(name) ? { path: `./${name}.js`, external: true } : undefined
      })
    },
  }
}

/**
 * Gets Node's built-in modules with `process.getBuiltinModule`, which Node 22.3 and newer has. Packages in CommonJS
 * `require` them, which an ES module cannot do. An import evaluates everything that the module exports; for node:fs, that
 * loads all kinds of streams, and takes a fifth of Node's start-up time.
 *
 * @type {import('esbuild').Plugin}
 */
const builtins = {
  name: 'builtins',
  setup(build) {
    build.onResolve({ filter: /./ }, ({ path, kind }) => {
      const isStatic = kind === 'import-statement' || kind === 'require-call'
      return isStatic && isBuiltin(path) ? { path, namespace: 'builtin' } : undefined
    })
    build.onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule('${path}')`,
    }))
  },
}
