import { isBuiltin } from 'node:module'
import { basename } from 'node:path'
import { ROOT } from './run.mjs'

/** What a page and its workers load as one file each: none of them resolves bare imports everywhere. */
const BROWSER_ENTRIES = ['src/browser/page.ts', 'src/browser/service-worker.ts', 'src/browser/rsync-worker.ts']

/**
 * The command, and what of it is bundled by itself: with what it shares with the rest in chunks of their own, it would be
 * read from twenty files instead of a few, and start a fifth slower.
 */
const COMMAND_ENTRIES = ['src/cli/main.ts', 'src/cli/rdiff-main.ts']

/**
 * Bundles what is run rather than imported: the scripts for browsers, and the command, in chunks that are loaded when
 * they are needed. With the library in them they start faster than from the modules of the package.
 *
 * @param {string} target folder in the checkout
 * @returns {Promise<string[]>} the files that were put into some bundle, such as `node_modules/commander/index.js`
 */
export async function bundle(target) {
  // Not before the npm packages are installed.
  const { build } = await import('esbuild')
  const common = /** @type {const} */ ({
    absWorkingDir: ROOT,
    bundle: true,
    format: 'esm',
    target: 'es2023',
    // Names stay, so that what is reported from the field can be read.
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
        // Of what packages offer as CommonJS, nothing can be left out.
        mainFields: ['module', 'main'],
        plugins: [builtins, otherEntries(entry)],
      }),
    )
  }
  const outputs = results.flatMap(({ metafile }) => Object.values(metafile.outputs))
  return [...new Set(outputs.flatMap(({ inputs }) => Object.keys(inputs)))]
}

/**
 * Leaves imports of the other entries as they are.
 *
 * @param {string} entry the one that is bundled
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
 * Gets Node's modules as Node 22.3 and newer offers them to anybody. Packages in CommonJS `require` them, which a module
 * cannot; and to import one asks it for everything that it has, which loads for node:fs all kinds of streams, and a fifth
 * of Node's own start.
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
