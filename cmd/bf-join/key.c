#include "io/hash.h"
#include "join.h"

struct span
key_text(struct span value, struct buf *scratch)
{
	struct span text;

	if (json_text(value, scratch, &text))
		return text;
	buf_clear(scratch);
	json_canon(scratch, value);
	return buf_span(scratch);
}

static bool
is_white(char c)
{
	return c == ' ' || c == '\t';
}

static struct span
trim(struct span s)
{
	while (s.n > 0 && is_white(s.p[s.n - 1]))
		s.n--;
	while (s.n > 0 && is_white(*s.p)) {
		s.p++;
		s.n--;
	}
	return s;
}

static void
add(struct keys *k, struct span text)
{
	unsigned char hash[KEY_HASH];

	hash_blake2b(text, hash, sizeof(hash));
	hashset_add(&k->hashes, hash);
}

/* A line that is an object or a string is JSON; any other is the key itself. */
static void
read_line(struct keys *k, struct stage *st, struct span line, const struct path *p,
    struct entry *en)
{
	struct json_fault f;
	struct span value;

	line = trim(line);
	if (*line.p == '{' && entry_parse(en, line, &f) == 0) {
		value = stage_find(st, p, en);
		if (value.p != NULL)
			add(k, key_text(value, &k->scratch));
	} else if (*line.p == '"' && json_check(line, &f) == 0) {
		add(k, key_text(line, &k->scratch));
	} else if (*line.p == '{' || *line.p == '"') {
		stage_bad(st, stage_where(st), f.at + 1, f.what);
	} else {
		add(k, line);
	}
}

void
keys_read(struct keys *k, struct stage *st, char *const *file, const struct path *p)
{
	struct entry en = ENTRY_INIT;
	struct span line;

	k->hashes = HASHSET_INIT(KEY_HASH);
	stage_input(st, file);
	while (stage_line(st, &line))
		read_line(k, st, line, p, &en);
	entry_release(&en);
}

bool
keys_have(struct keys *k, struct span text)
{
	unsigned char hash[KEY_HASH];

	hash_blake2b(text, hash, sizeof(hash));
	return hashset_has(&k->hashes, hash);
}

void
keys_release(struct keys *k)
{
	hashset_release(&k->hashes);
	buf_release(&k->scratch);
}
