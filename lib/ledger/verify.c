#include "ledger/verify.h"

#include "base/mem.h"
#include "io/fdio.h"
#include "ledger/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define CACHE 64 /* blocks of the index */

/* A word on a key, as the index should have it. */
struct word {
	unsigned char key[LEDGER_KEY_SIZE];
	int64_t time;
	uint64_t frame;
	uint32_t line; /* TABLE_FORGOTTEN or'd in */
};

struct words {
	struct word *v;
	size_t n, cap;
	uint64_t covered;
};

static int
take_word(void *arg, const struct survey_line *l)
{
	struct words *w = arg;
	bool ok = l->head.status == LEDGER_OK;

	if (l->in_tail || l->frame >= w->covered ||
	    (!ok && l->head.status != LEDGER_FORGET))
		return 0;
	if (w->n == w->cap) {
		w->cap = w->cap == 0 ? 1024 : 2 * w->cap;
		w->v = mem_resize(w->v, w->cap, sizeof(*w->v));
	}
	memcpy(w->v[w->n].key, l->head.key, LEDGER_KEY_SIZE);
	w->v[w->n].time = l->head.time;
	w->v[w->n].frame = l->frame;
	w->v[w->n++].line = (uint32_t)l->at | (ok ? 0 : TABLE_FORGOTTEN);
	return 0;
}

static int
word_order(const void *a, const void *b)
{
	const struct word *x = a, *y = b;
	int c = memcmp(x->key, y->key, sizeof(x->key));

	return c != 0 ? c : (x->time > y->time) - (x->time < y->time);
}

/* Whether it was made of this segment: the last bytes it covers tell. */
static bool
is_of(const struct survey *s, const struct index *ix)
{
	unsigned char proof[INDEX_PROOF];
	int fd = openat(survey_dir(s), survey_name(s),
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	bool is = fd >= 0 && ix->covered >= INDEX_PROOF &&
		  fd_read_at(fd, proof, sizeof(proof), ix->covered - INDEX_PROOF) ==
		      INDEX_PROOF &&
		  memcmp(proof, ix->proof, sizeof(proof)) == 0;

	if (fd >= 0)
		close(fd);
	return is;
}

/* Every block of it is looked at, and so is its checksum. */
static bool
is_whole(struct index *ix)
{
	struct index_frame f;
	struct table_entry e;

	for (uint32_t i = 0; i < ix->nframes; i++)
		if (!index_frame(ix, i, &f))
			return false;
	for (uint64_t i = 0; i < ix->entries; i++)
		if (!index_entry(ix, i, &e))
			return false;
	return true;
}

/* Of words of the same time any will do: which is the newer is told by more. */
static bool
leads_to(struct index *ix, const struct table_entry *entry,
    const struct word *first, const struct word *last)
{
	struct index_frame f;
	bool there = index_frame(ix, entry->frame, &f);

	for (const struct word *w = last;
	     there && w >= first && w->time == last->time; w--)
		if (w->frame == f.at && w->line == entry->line)
			return true;
	return false;
}

static const char *
compare(struct index *ix, struct words *w)
{
	uint64_t keys = 0;

	if (!is_whole(ix))
		return "a checksum in it is wrong";
	if (w->n > 0)
		qsort(w->v, w->n, sizeof(*w->v), word_order);
	for (size_t i = 0, k; i < w->n; i = k, keys++) {
		struct table_entry entry;
		bool there = index_find(ix, w->v[i].key, &entry);

		for (k = i + 1; k < w->n && memcmp(w->v[k].key, w->v[i].key,
						LEDGER_KEY_SIZE) == 0;)
			k++;
		if (ix->broken)
			return "a checksum in it is wrong";
		if (!there)
			return "a key is missing in it";
		if (!leads_to(ix, &entry, &w->v[i], &w->v[k - 1]))
			return "a key leads to another place";
	}
	return keys == ix->entries ? NULL : "it has keys that the segment has not";
}

int
verify_segment(
    struct survey *s, enum verify_index *index, const char **wrong, struct err *e)
{
	struct buf bytes = BUF_INIT;
	struct words w = {NULL, 0, 0, 0};
	bool there = directory_read(
			 survey_dir(s), survey_name(s), ".idx", &bytes) == 1;
	struct blocks *cache = blocks_new(CACHE);
	struct index *ix = NULL;
	int rc;

	if (there)
		ix = index_of(cache, &bytes);
	w.covered = ix == NULL ? 0 : ix->covered;
	rc = survey_read(s, take_word, &w, e);
	*wrong = NULL;
	*index = VERIFY_NONE;
	if (rc == 0 && there && ix == NULL) {
		*index = VERIFY_WRONG;
		*wrong = "this is no index";
	} else if (rc == 0 && there && !is_of(s, ix)) {
		*index = VERIFY_OTHER;
	} else if (rc == 0 && there && survey_found(s)->ndamage == 0) {
		*wrong = compare(ix, &w);
		*index = *wrong == NULL ? VERIFY_RIGHT : VERIFY_WRONG;
	}
	index_free(ix);
	blocks_free(cache);
	free(w.v);
	return rc;
}
