import { isBuiltin } from 'node:module'
import { ROOT } from './run.mjs'

/** What a page and its workers load as one file each: none of them resolves bare imports everywhere. */
const BROWSER_ENTRIES = ['src/browser/page.ts', 'src/browser/service-worker.ts', 'src/browser/rsync-worker.ts']

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
  const results = [
    await build({ ...common, entryPoints: BROWSER_ENTRIES, outdir: `${target}/browser`, platform: 'browser' }),
    await build({
      ...common,
      entryPoints: ['src/cli/main.ts'],
      outdir: `${target}/cli`,
      splitting: true,
      platform: 'node',
      // Of what packages offer as CommonJS, nothing can be left out.
      mainFields: ['module', 'main'],
      plugins: [requiredBuiltins],
    }),
  ]
  const outputs = results.flatMap(({ metafile }) => Object.values(metafile.outputs))
  return [...new Set(outputs.flatMap(({ inputs }) => Object.keys(inputs)))]
}

/**
 * Turns what packages in CommonJS `require` of Node into imports, as a module has no `require`.
 *
 * @type {import('esbuild').Plugin}
 */
const requiredBuiltins = {
  name: 'required-builtins',
  setup(build) {
    build.onResolve({ filter: /./ }, ({ path, kind }) =>
      kind === 'require-call' && isBuiltin(path) ? { path, namespace: 'required-builtin' } : undefined,
    )
    build.onLoad({ filter: /./, namespace: 'required-builtin' }, ({ path }) => ({
      contents: `import builtin from 'node:${path.replace(/^node:/, '')}'; module.exports = builtin`,
    }))
  },
}
