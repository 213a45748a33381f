// Imported before the tests, some of which load WebAssembly when they are imported.
import { compileAtStartup } from '../../src/workerd.ts'

await compileAtStartup()
