/**
 * The script of the worker in which a page writes blocks to the origin-private file system.
 *
 * @module
 */
import { answerWriteRequests } from './answer-write-requests.ts'

answerWriteRequests()
