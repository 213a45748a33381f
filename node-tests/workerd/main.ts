// The worker that runs the portable tests. `GET /` lists the files of tests; `GET /FILE` runs one, and answers with its results.
import { fileNames, runFile } from './vitest.ts'

export const worker = {
  async fetch(request: Request): Promise<Response> {
    const name = decodeURIComponent(new URL(request.url).pathname.slice(1))
    if (name === '') return Response.json(fileNames())
    return Response.json(await runFile(name))
  },
}
