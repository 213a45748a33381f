import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const path = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url))

/** Tests of the command run the build, as users do. Fails if the build is older than the sources. */
export function setup(): void {
  const built = statSync(path('dist/cli/main.js'), { throwIfNoEntry: false })?.mtimeMs ?? 0
  const src = path('src')
  const newer = readdirSync(src, { recursive: true, encoding: 'utf8' }).find(
    (name) => name.endsWith('.ts') && statSync(join(src, name)).mtimeMs > built,
  )
  if (newer !== undefined) throw new Error(`src/${newer} is newer than the build: run npm run build`)
}
