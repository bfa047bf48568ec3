import { FAILURES, type FailureCode, type ServerFrame } from "@zeroboot/sdk/protocol";
import { type Circumstances, type Ending, Execution, KILLED } from "./execution.js";
import type { Job } from "./job.js";
import { Question } from "./question.js";

/** The last frame of a job that the guest has ended, or that never got to it. */
export function endOf(job: Job, ending: Ending, circumstances: Circumstances): ServerFrame {
  if (job instanceof Question) return job.answer();
  if (!(job instanceof Execution)) throw new TypeError("an unknown kind of job");
  return job.done(ending, circumstances);
}

/** The last frames of jobs whose VM is gone: the one that ran ends as given, those that waited are killed. */
export function endsWithVm(
  jobs: readonly Job[],
  running: Job | undefined,
  ending: Ending,
  circumstances: Omit<Circumstances, "stateKept">,
): ServerFrame[] {
  return jobs.map((job) => {
    if (!(job instanceof Execution)) {
      return failureFrame("restarted", job instanceof Question ? job.type : undefined, job.id);
    }
    const gone = { ...circumstances, stateKept: false };
    return job === running ? job.done(ending, gone) : job.done(KILLED, { ...gone, stoppedBy: undefined });
  });
}

/** @param frame type of the frame that is refused, and `id` its id */
export function failureFrame(
  code: FailureCode,
  frame?: string,
  id?: string,
  message: string = FAILURES[code].meaning,
): ServerFrame {
  return {
    type: "failure",
    code,
    message,
    ...(frame === undefined ? {} : { frame }),
    ...(id === undefined ? {} : { id }),
  };
}
