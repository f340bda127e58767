/*
 * Any bytes: all implementations of scan agree on them; what is JSON can be
 * gone through, compacted, made canonical and edited, and each result is JSON
 * that says the same.
 */
#include "io/utf8.h"
#include "json/entry.h"
#include "json/scan.h"
#include "json/text.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool good)
{
	if (!good)
		abort();
}

static bool
same_fault(const struct json_fault *a, const struct json_fault *b)
{
	return a->at == b->at && a->what == b->what;
}

static bool
check_with_all(struct span text, struct json_fault *fault)
{
	const struct scan *s;
	int first = 0;

	for (size_t i = 0; (s = scan_choice(i)) != NULL; i++) {
		struct json_fault f = {0, NULL};
		int result;

		scan_use(s);
		result = json_check(text, &f);
		if (i == 0) {
			first = result;
			*fault = f;
		}
		require(result == first && same_fault(&f, fault));
	}
	require(fault->at <= text.n && (fault->what != NULL) == (first != 0));
	return first == 0;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct span
trim(struct span s)
{
	while (s.n > 0 && is_space(s.p[s.n - 1]))
		s.n--;
	while (s.n > 0 && is_space(*s.p))
		s = span_of(s.p + 1, s.n - 1);
	return s;
}

static bool
is_json(struct span text)
{
	struct json_fault f;

	return json_check(text, &f) == 0;
}

/* Unescaped and escaped again, a string says the same. */
static void
test_string(struct span raw)
{
	struct buf text = BUF_INIT, again = BUF_INIT, back = BUF_INIT;
	size_t lone = json_unescape(&text, raw);

	require(text.len <= raw.n && utf8_valid(buf_span(&text)) == text.len);
	json_escape(&again, buf_span(&text));
	require(json_unescape(&back, buf_span(&again)) == 0);
	require(span_eq(buf_span(&text), buf_span(&back)));
	require(json_key_is(raw, buf_span(&text)));
	buf_clear(&back);
	require(text_normal(&back, raw) == lone);
	require(span_eq(buf_span(&back), buf_span(&again)));
	require(lone <= raw.n / 6);
	buf_release(&text);
	buf_release(&again);
	buf_release(&back);
}

/* Each value inside is JSON, and the iterator visits them all, to any depth. */
static void
test_values(struct span value)
{
	struct json_iter stack[JSON_DEPTH_MAX];
	struct json_member m = {SPAN_NONE, value};
	size_t depth = 0;

	for (;;) {
		require(m.value.p >= value.p &&
			m.value.p + m.value.n <= value.p + value.n);
		if (m.key.p != NULL)
			test_string(m.key);
		if (json_type(m.value) == JSON_STRING)
			test_string(span_of(m.value.p + 1, m.value.n - 2));
		if (json_type(m.value) >= JSON_ARRAY) {
			require(depth < JSON_DEPTH_MAX);
			stack[depth++] = json_iter(m.value);
		} else {
			require(is_json(m.value));
		}
		while (depth > 0 && !json_next(&stack[depth - 1], &m))
			depth--;
		if (depth == 0)
			return;
	}
}

static void
test_forms(struct span value)
{
	struct buf canon = BUF_INIT, compact = BUF_INIT, again = BUF_INIT;
	size_t lone = json_canon(&canon, value);

	require(is_json(buf_span(&canon)));
	require(json_canon(&again, buf_span(&canon)) == 0);
	require(span_eq(buf_span(&canon), buf_span(&again)));

	json_compact(&compact, value);
	require(compact.len <= value.n && is_json(buf_span(&compact)));
	require(json_count(value) == json_count(buf_span(&compact)));
	require(json_is_empty(value) == (json_count(value) == 0));
	buf_clear(&again);
	require(json_canon(&again, buf_span(&compact)) == lone);
	require(span_eq(buf_span(&canon), buf_span(&again)));
	buf_release(&canon);
	buf_release(&compact);
	buf_release(&again);
}

/* Without edits all stays; a member comes and goes and leaves nothing behind. */
static void
test_edits(struct entry *en)
{
	struct buf out = BUF_INIT, back = BUF_INIT;
	struct entry other = ENTRY_INIT;
	struct span text = en->text;
	struct json_fault f;

	entry_write(en, &out);
	require(out.len == text.n + 1 && out.data[text.n] == '\n' &&
		memcmp(out.data, text.p, text.n) == 0);
	if (entry_get(en, "added").p == NULL) {
		entry_set(en, "added", SPAN("[0]"));
		buf_clear(&out);
		entry_write(en, &out);
		require(entry_parse(&other, buf_span(&out), &f) == 0);
		require(span_eq(entry_get(&other, "added"), SPAN("[0]")));
		entry_del(&other, "added");
		entry_write(&other, &back);
		require(back.len == text.n + 2 &&
			memcmp(back.data, text.p, text.n) == 0);
	}
	entry_set(en, "a", SPAN("\"set\""));
	entry_del(en, "b");
	entry_del(en, "added");
	buf_clear(&out);
	entry_write(en, &out);
	require(entry_parse(&other, buf_span(&out), &f) == 0);
	require(span_eq(entry_get(&other, "a"), SPAN("\"set\"")));
	require(entry_get(&other, "b").p == NULL &&
		entry_get(&other, "added").p == NULL);
	buf_release(&out);
	buf_release(&back);
	entry_release(&other);
}

static void
test_entry(struct span text, bool valid, const struct json_fault *fault)
{
	struct entry en = ENTRY_INIT;
	struct json_fault f;
	struct json_member m;
	struct json_iter it;
	bool object = trim(text).n > 0 && *trim(text).p == '{';

	if (entry_parse(&en, text, &f) != 0) {
		require(!valid || !object);
		require(!object || same_fault(&f, fault));
	} else {
		require(valid && object);
		it = json_iter(trim(text));
		for (size_t i = 0; i < en.n; i++)
			require(json_next(&it, &m) &&
				m.key.p == en.members[i].key.p &&
				m.key.n == en.members[i].key.n &&
				m.value.p == en.members[i].value.p &&
				m.value.n == en.members[i].value.n);
		require(!json_next(&it, &m));
		test_edits(&en);
	}
	entry_release(&en);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of((const char *)data, size);
	const struct scan *s;
	struct json_fault f;
	bool valid = check_with_all(text, &f);
	size_t used;

	for (size_t i = 0; (s = scan_choice(i)) != NULL; i++) {
		scan_use(s);
		test_entry(text, valid, &f);
		if (!valid)
			continue;
		require(utf8_valid(text) == text.n);
		require(json_check_next(text, &used, &f) == 0);
		require(trim(span_of(text.p + used, text.n - used)).n == 0);
		test_values(trim(text));
		test_forms(trim(text));
	}
	return 0;
}
