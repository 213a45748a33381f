import { basename } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** The files of `node-tests/tools` that take longest. */
const LONGEST: readonly string[] = ['player-engines', 'crash-loop', 'package', 'cli-serve', 'cli-commands']

/**
 * Starts the files that take longest before the others, so that none of them runs alone at the end. On a machine where no
 * tests have run yet, vitest would go by the size of the files.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ project, moduleId }: TestSpecification): number => {
      const at = project.name === 'tools' ? LONGEST.indexOf(basename(moduleId, '.test.ts')) : -1
      return at < 0 ? LONGEST.length : at
    }
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b))
  }
}
