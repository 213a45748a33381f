// Commits without waiting for it, and leaves the backend as it is.
import process from 'node:process'
import { directoryBackend } from '../../src/backends/directory.ts'
import { text } from './store-tools.ts'

const { metadata } = await directoryBackend(process.argv[2]!)
void metadata
  .commit([], [{ key: text('k'), value: text('v') }])
  .then((version) => process.stdout.write(`committed ${version}\n`))
