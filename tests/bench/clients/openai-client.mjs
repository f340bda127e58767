// openai-client.mjs URL BODIES IN-FLIGHT >ANSWERS: the official SDK and p-limit,
// answers in the order of the requests.
import { readFileSync } from "node:fs";
import OpenAI from "openai";
import pLimit from "p-limit";

const [url, bodies, inFlight] = process.argv.slice(2);
const client = new OpenAI({
	apiKey: "mock",
	baseURL: url.replace("/chat/completions", ""),
});

const lines = readFileSync(bodies, "utf8").trimEnd().split("\n");
const answers = await pLimit(Number(inFlight)).map(lines, (line) =>
	client.chat.completions.create(JSON.parse(line)),
);
for (const answer of answers) process.stdout.write(JSON.stringify(answer) + "\n");
