/**
 * The URL from which `node:worker_threads` can run a script of this package. In Deno, a package of JSR has https URLs, but
 * threads start only from files and data, so there a data URL imports the script.
 */
export function threadScriptUrl(script: URL): URL {
  if (script.protocol === 'file:') return script
  return new URL(`data:text/javascript,${encodeURIComponent(`import ${JSON.stringify(script.href)}`)}`)
}
