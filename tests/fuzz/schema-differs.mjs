// Random schemas and values, judged by ajv and by the program of the first argument.
import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { spawnSync } from 'node:child_process';

const [program, count, seed] = process.argv.slice(2);

let state = Number(seed) >>> 0;
function below(n) { // mulberry32
	state = (state + 0x6d2b79f5) >>> 0;
	let t = state;
	t = Math.imul(t ^ (t >>> 15), t | 1);
	t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
	return (((t ^ (t >>> 14)) >>> 0) / 4294967296 * n) | 0;
}
const pick = list => list[below(list.length)];
const chance = percent => below(100) < percent;
const times = (n, f) => Array.from({ length: n }, f);

// Left out is where ajv is known to be wrong: the name "", $dynamicRef to an
// anchor in $defs, and divisions that are not exact as doubles.
const names = ['a', 'b', 'c', 'ab', 'x-1', 'é', 'length'];
const texts = ['', 'a', 'ab', 'abc', 'é😀', 'foo bar', '1', 'aaa\n', 'B2', '2020-02-30',
	'2020-02-29', '2020-01-01T00:00:00Z', '2020-01-01T23:59:60Z', '12:30:00Z', 'a@b.de', 'a@b', 'http://a/b',
	'http://a b', '/a/~0', '/a/~2', '::1', '1::', '1.2.3.4', '1.2.3.256', '#x', '..', '[', '\\d{2}',
	'12345678-1234-1234-1234-123456789abc', 'host.name', '-a.b', 'urn:x:y'];
const numbers = [0, 1, -1, 2, 3, 1.5, -2.5, 10, 100, 0.5, 4294967296, 1e15, 1e-7, 7];
const patterns = ['a', '^a', 'b$', '^[a-c]+$', '\\d', '\\s', '^.$', '^\\w*$', '\\p{Letter}', '[^a]', '(a|b)+',
	'^.{2,3}$', '\\u00e9', 'a(?=b)', '^(?:foo)?'];
const formats = ['date', 'date-time', 'time', 'email', 'uri', 'uri-reference', 'uuid', 'ipv4', 'ipv6', 'regex',
	'json-pointer', 'hostname'];
const types = ['null', 'boolean', 'object', 'array', 'number', 'string', 'integer'];

function value(depth) {
	switch (below(depth > 0 ? 9 : 6)) {
	case 0: return null;
	case 1: return chance(50);
	case 2: case 3: return pick(numbers);
	case 4: case 5: return pick(texts);
	case 6: return times(below(5), () => value(depth - 1));
	default: return Object.fromEntries(times(below(5), () => [pick(names), value(depth - 1)]));
	}
}
const map = (keys, depth) => Object.fromEntries(times(1 + below(3), () => [pick(keys), schema(depth - 1)]));
const list = depth => times(1 + below(3), () => schema(depth - 1));
const nameList = () => [...new Set(times(1 + below(2), () => pick(names)))];
const sub = depth => schema(depth - 1);
const keywords = {
	type: () => chance(60) ? pick(types) : [...new Set([pick(types), pick(types)])],
	enum: () => [...new Set(times(1 + below(4), () => JSON.stringify(value(1))))].map(JSON.parse),
	const: () => value(1),
	minimum: () => pick(numbers), maximum: () => pick(numbers),
	exclusiveMinimum: () => pick(numbers), exclusiveMaximum: () => pick(numbers),
	multipleOf: () => pick([1, 2, 3, 0.5, 10]),
	minLength: () => below(4), maxLength: () => below(5), pattern: () => pick(patterns),
	format: () => pick(formats),
	minItems: () => below(3), maxItems: () => below(5), uniqueItems: () => chance(80),
	minProperties: () => below(3), maxProperties: () => below(5),
	required: nameList, dependentRequired: () => ({ [pick(names)]: nameList() }),
	properties: d => map(names, d), patternProperties: d => map(patterns, d),
	additionalProperties: sub, propertyNames: sub, prefixItems: list, items: sub,
	contains: sub, minContains: () => below(3), maxContains: () => below(4),
	allOf: list, anyOf: list, oneOf: list, not: sub, if: sub, then: sub, else: sub,
	dependentSchemas: d => map(names, d), unevaluatedItems: sub, unevaluatedProperties: sub,
	$ref: () => chance(10) ? '#' : pick(['#/$defs/one', '#/$defs/two', '#anchor', '#dyn']),
};
const kinds = Object.keys(keywords);
function schema(depth) {
	if (depth <= 0 || chance(8))
		return chance(40) ? true : chance(40) ? false : { type: pick(types) };
	return Object.fromEntries(times(1 + below(4), () => pick(kinds)).map(k => [k, keywords[k](depth)]));
}
function whole() {
	let root = schema(3);
	if (typeof root !== 'object')
		root = { not: root };
	root.$defs = { one: schema(2), two: { $anchor: 'anchor', ...[schema(1)].filter(s => typeof s === 'object')[0] },
		three: { $dynamicAnchor: 'dyn', type: pick(types) } };
	return root;
}

function judge(pair) {
	try {
		const ajv = new Ajv({ strict: false, validateFormats: true, logger: false });
		addFormats(ajv, formats);
		return String(ajv.compile(pair.schema)(pair.value));
	} catch (error) {
		return 'error: ' + error.message;
	}
}

let differ = 0, valid = 0, unsure = 0;
for (let done = 0; done < count; done += 500) {
	const pairs = times(Math.min(500, count - done), () => ({ schema: whole(), value: value(3) }));
	const input = pairs.map(p => JSON.stringify(p) + '\n').join('');
	const ran = spawnSync(program, { input, maxBuffer: 1 << 28 });
	const ours = ran.stdout.toString().trimEnd().split('\n');
	pairs.forEach((pair, i) => {
		const theirs = judge(pair);
		valid += theirs === 'true';
		if (theirs === ours[i])
			return;
		// A loop is found where it is come to, and which keyword is first is free.
		if (/^error: Maximum call stack|^error: .*compil/.test(theirs) || ours[i].startsWith('cannot: too deep') ||
		    (theirs.startsWith('error') && ours[i].startsWith('no schema'))) {
			unsure++;
			return;
		}
		differ++;
		console.log(`${JSON.stringify(pair)}\n\tours ${ours[i]}; ajv ${theirs}`);
	});
}
console.log(`${count} pairs, ${valid} valid, ${unsure} that one or both cannot tell, ${differ} differ`);
process.exit(differ === 0 ? 0 : 1);
