// undici-client.mjs URL BODIES IN-FLIGHT >ANSWERS: a pool of undici's.
import { readFileSync } from "node:fs";
import { Pool } from "undici";

const [url, bodies, inFlight] = process.argv.slice(2);
const { origin, pathname: path } = new URL(url);
const pool = new Pool(origin, { connections: Number(inFlight) });
const headers = { "content-type": "application/json" };

async function ask(line) {
	const body = JSON.stringify(JSON.parse(line));
	const response = await pool.request({ path, method: "POST", headers, body });
	if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`);
	process.stdout.write(JSON.stringify(await response.body.json()) + "\n");
}

const lines = readFileSync(bodies, "utf8").trimEnd().split("\n");
await Promise.all(lines.map(ask));
await pool.close();
