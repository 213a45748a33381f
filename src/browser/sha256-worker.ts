// The worker in which a page hashes what it stores: the bundle dist/browser/sha256-worker.js. The other bundles look for it
// beside themselves.
import { answerHashRequests } from '../bytes/hashing/answer-hash-requests.ts'

// Not awaited, because bundlers may make a classic worker of this. If it fails, the page goes on hashing by itself.
void answerHashRequests()
