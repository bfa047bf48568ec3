/**
 * The loop of an agent: a model writes code, a session runs it, the model reads what came of it and goes on from
 * there, with everything that was computed still there. The model here is a script; put a call of yours in its place.
 *
 *   npx tsx examples/agent-loop.ts
 */
import { Session } from "@zeroboot/sdk";

interface Turn {
  readonly code: string;
  readonly observation: string;
}

/** What a model answers: code to run, or its last word. */
type Step = { readonly code: string } | { readonly answer: string };
type Model = (task: string, turns: readonly Turn[]) => Promise<Step>;

const MAX_TURNS = 10;
/** A model has only so much to read. */
const MAX_OBSERVATION = 2_000;

const scripted: Model = async (_, turns) => {
  const last = turns.at(-1)?.observation ?? "";
  if (turns.length === 0) return { code: "import statistics\ndata = [3, 1, 4, 1, 5, 9, 2, 6]\nstatistics.median(dat)" };
  if (last.includes("NameError")) return { code: "statistics.median(data)" };
  return { answer: `The median is ${last.trim()}.` };
};

async function solve(task: string, model: Model): Promise<string> {
  const apiKey = process.env.ZEROBOOT_API_KEY;
  const session = await Session.connect(apiKey === undefined ? {} : { apiKey });
  const turns: Turn[] = [];
  try {
    while (turns.length < MAX_TURNS) {
      const step = await model(task, turns);
      if ("answer" in step) return step.answer;
      const ran = await session.run(step.code, { timeoutMs: 10_000, maxOutputBytes: MAX_OBSERVATION });
      const observation = [ran.stdout, ran.stderr, ran.error?.traceback ?? "", ran.result?.["text/plain"] ?? ""].join(
        "",
      );
      console.log(`ran ${JSON.stringify(step.code)}: ${observation.trim().split("\n").at(-1)}`);
      turns.push({ code: step.code, observation });
    }
    throw new Error("the model came to no end");
  } finally {
    await session.close();
  }
}

console.log(await solve("What is the median of 3, 1, 4, 1, 5, 9, 2 and 6?", scripted));
