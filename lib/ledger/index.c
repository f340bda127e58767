#include "ledger/index.h"

#include "base/mem.h"
#include "io/fdio.h"
#include "io/rng.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* How many things go into a block. */
enum {
	ENTRIES = INDEX_ENTRIES,
	FRAMES = INDEX_PAYLOAD / sizeof(struct index_frame),
	FENCES = INDEX_PAYLOAD / LEDGER_KEY_SIZE,
	WORDS = INDEX_PAYLOAD / sizeof(uint64_t),
};

#define BITS_PER_KEY 16 /* of the filter */

/* The first block, in the byte order of the machine that wrote it. */
struct header {
	char magic[8];
	uint32_t order;
	uint32_t version;
	uint32_t seed;
	uint32_t nframes;
	uint64_t entries;
	uint64_t covered;
	int64_t first, last;
	unsigned char proof[INDEX_PROOF];
	uint32_t distinct;
	uint32_t unused;
};

static const char magic[8] = "bf-index";
#define ORDER           0x01020304u
#define ORDER_IS_LITTLE (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)

static size_t
blocks_for(uint64_t n, size_t each)
{
	return (size_t)((n + each - 1) / each);
}

static uint64_t
words_for(uint64_t entries)
{
	return entries * BITS_PER_KEY / 64 + 1;
}

/* Where the sections begin; the number of blocks in all. */
static size_t
lay_out(struct index *ix)
{
	size_t fences = blocks_for(ix->entries, ENTRIES);

	ix->words = words_for(ix->entries);
	ix->entry_at = 1;
	ix->frame_at = ix->entry_at + fences;
	ix->fence_at = ix->frame_at + blocks_for(ix->nframes, FRAMES);
	ix->filter_at = ix->fence_at + blocks_for(fences, FENCES);
	return ix->filter_at + blocks_for(ix->words, WORDS);
}

/* ---- reading ---- */

/* What a first block says; NULL: this is none. */
static struct index *
index_new(struct blocks *cache, const unsigned char *first, size_t size)
{
	struct index *ix;
	struct header h;
	uint32_t crc;

	memcpy(&h, first, sizeof(h));
	memcpy(&crc, first + BLOCK_CRC_AT, sizeof(crc));
	if (memcmp(h.magic, magic, sizeof(magic)) != 0 || h.order != ORDER ||
	    h.version != INDEX_VERSION || size % BLOCK_SIZE != 0 ||
	    crc != block_crc(first, h.seed, 0) ||
	    h.entries > size / sizeof(struct table_entry))
		return NULL;
	ix = mem_zero(1, sizeof(*ix));
	ix->cache = cache;
	ix->file.fd = -1;
	ix->file.seed = h.seed;
	ix->file.nblocks = size / BLOCK_SIZE;
	ix->nframes = h.nframes;
	ix->entries = h.entries;
	ix->covered = h.covered;
	ix->first = h.first;
	ix->last = h.last;
	ix->distinct = h.distinct == 1;
	memcpy(ix->proof, h.proof, sizeof(ix->proof));
	if (lay_out(ix) != ix->file.nblocks) {
		free(ix);
		return NULL;
	}
	blocks_join(&ix->file);
	return ix;
}

struct index *
index_open(struct blocks *cache, int fd)
{
	unsigned char first[BLOCK_SIZE];
	struct index *ix = NULL;
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    fd_read_at(fd, first, sizeof(first), 0) == sizeof(first))
		ix = index_new(cache, first, (size_t)st.st_size);
	if (ix == NULL)
		close(fd);
	else
		ix->file.fd = fd;
	return ix;
}

struct index *
index_of(struct blocks *cache, struct buf *bytes)
{
	struct index *ix = NULL;

	if (bytes->len >= BLOCK_SIZE)
		ix = index_new(cache, (unsigned char *)bytes->data, bytes->len);
	if (ix == NULL) {
		buf_release(bytes);
		return NULL;
	}
	ix->bytes = *bytes;
	*bytes = BUF_INIT;
	ix->file.bytes = (unsigned char *)ix->bytes.data;
	return ix;
}

void
index_free(struct index *ix)
{
	if (ix == NULL)
		return;
	blocks_leave(ix->cache, &ix->file);
	if (ix->file.fd >= 0)
		close(ix->file.fd);
	buf_release(&ix->bytes);
	free(ix);
}

/* Until the next one is asked for. */
static inline const unsigned char *
block_at(struct index *ix, size_t n)
{
	const unsigned char *p = ix->broken ? NULL
					    : blocks_get(ix->cache, &ix->file, n);

	ix->broken = p == NULL;
	return p;
}

size_t
index_entries(struct index *ix, uint64_t from, struct table_entry *e, size_t n)
{
	size_t at = (size_t)(from % ENTRIES);
	const unsigned char *p = NULL;

	if (from < ix->entries)
		p = block_at(ix, ix->entry_at + (size_t)(from / ENTRIES));
	if (p == NULL)
		return 0;
	if (n > ENTRIES - at)
		n = ENTRIES - at;
	if (n > ix->entries - from)
		n = (size_t)(ix->entries - from);
	memcpy(e, p + at * sizeof(*e), n * sizeof(*e));
	return n;
}

bool
index_entry(struct index *ix, uint64_t n, struct table_entry *e)
{
	return index_entries(ix, n, e, 1) == 1;
}

bool
index_frame(struct index *ix, uint32_t n, struct index_frame *f)
{
	const unsigned char *p = NULL;

	if (n < ix->nframes)
		p = block_at(ix, ix->frame_at + n / FRAMES);
	if (p != NULL)
		memcpy(f, p + n % FRAMES * sizeof(*f), sizeof(*f));
	return p != NULL;
}

static uint64_t
mix(const unsigned char *key)
{
	uint64_t a, b;

	memcpy(&a, key, 8);
	memcpy(&b, key + 8, 8);
	a = a * 0x9e3779b97f4a7c15 ^ b * 0xc2b2ae3d27d4eb4f;
	return (a ^ a >> 29) * 0xd6e8feb86659fd93;
}

/* A word of the filter, and the five bits in it that a key sets. */
static uint64_t
filter_word(uint64_t words, const unsigned char *key, uint64_t *bits)
{
	uint64_t h = mix(key), b = (h ^ h >> 32) * 0x9e3779b97f4a7c15;

	*bits = 0;
	for (int shift = 58; shift > 58 - 5 * 6; shift -= 6)
		*bits |= (uint64_t)1 << (b >> shift & 63);
	return (h >> 32) * words >> 32;
}

void
index_prefetch(const struct index *ix, const unsigned char *key)
{
	uint64_t bits, w = filter_word(ix->words, key, &bits);

	blocks_prefetch(ix->cache, &ix->file, ix->filter_at + (size_t)(w / WORDS),
	    w % WORDS * sizeof(w));
}

static bool
may_hold(struct index *ix, const unsigned char *key)
{
	uint64_t bits, v, w = filter_word(ix->words, key, &bits);
	const unsigned char *p = block_at(ix, ix->filter_at + (size_t)(w / WORDS));

	if (p == NULL)
		return false;
	memcpy(&v, p + w % WORDS * sizeof(v), sizeof(v));
	return (v & bits) == bits;
}

/* Keys in their order, at equal distances in memory. */
struct keys {
	const unsigned char *first;
	size_t each;
};

static inline uint64_t
big_endian(const unsigned char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return ORDER_IS_LITTLE ? __builtin_bswap64(v) : v;
}

/* memcmp() of two keys, most of which differ in their first half. */
static inline int
key_cmp(const struct keys *k, size_t i, const unsigned char *key)
{
	const unsigned char *p = k->first + i * k->each;
	uint64_t a = big_endian(p), b = big_endian(key);

	if (a == b) {
		a = big_endian(p + 8);
		b = big_endian(key + 8);
	}
	return (a > b) - (a < b);
}

/* How many of n keys are not greater; found near guess, or as far from it as need
 * be. */
static size_t
rank(const struct keys *k, size_t n, size_t guess, const unsigned char *key)
{
	size_t lo = 0, hi = n, step;

	if (n == 0)
		return 0;
	if (guess >= n)
		guess = n - 1;
	if (key_cmp(k, guess, key) <= 0) {
		for (lo = guess + 1, step = 1; lo + step <= hi; step *= 2) {
			if (key_cmp(k, lo + step - 1, key) > 0) {
				hi = lo + step - 1;
				break;
			}
			lo += step;
		}
	} else {
		for (hi = guess, step = 1; hi >= step; step *= 2) {
			if (key_cmp(k, hi - step, key) <= 0) {
				lo = hi - step + 1;
				break;
			}
			hi -= step;
		}
	}
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (key_cmp(k, mid, key) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The place of a key between 0 and n, were keys spread evenly, as hashes are. */
static uint64_t
scaled(const unsigned char *key, uint64_t n)
{
	uint64_t v = (uint64_t)key[0] << 24 | (uint64_t)key[1] << 16 |
		     (uint64_t)key[2] << 8 | key[3];

	return v * n >> 32;
}

/* Whether the fences of a block begin at or before a key: 1, 0, or -1 if it is
 * broken. */
static int
begins_before(struct index *ix, size_t fence, const unsigned char *key)
{
	const unsigned char *p = block_at(ix, ix->fence_at + fence);

	return p == NULL ? -1 : memcmp(p, key, LEDGER_KEY_SIZE) <= 0;
}

/* The block of entries that a key would be in: by the first keys of all. */
static const unsigned char *
entry_block(struct index *ix, const unsigned char *key, uint64_t *n)
{
	size_t blocks = blocks_for(ix->entries, ENTRIES), guess, count, first;
	size_t b, fences = blocks_for(blocks, FENCES);
	struct keys k = {NULL, LEDGER_KEY_SIZE};
	int before = 0;

	guess = (size_t)scaled(key, blocks);
	for (b = guess / FENCES; b > 0; b--)
		if ((before = begins_before(ix, b, key)) != 0)
			break;
	for (; before >= 0 && b + 1 < fences; b++)
		if ((before = begins_before(ix, b + 1, key)) <= 0)
			break;
	if (before < 0 || (k.first = block_at(ix, ix->fence_at + b)) == NULL)
		return NULL;
	first = b * FENCES;
	count = blocks - first < FENCES ? blocks - first : FENCES;
	count = rank(&k, count, guess < first ? 0 : guess - first, key);
	if (count == 0)
		return NULL;
	*n = first + count - 1;
	return block_at(ix, ix->entry_at + (size_t)*n);
}

bool
index_find(struct index *ix, const unsigned char *key, struct table_entry *e)
{
	const unsigned char *p;
	struct keys k = {NULL, sizeof(struct table_entry)};
	uint64_t n, first;
	size_t count, r;

	if (ix->entries == 0 || !may_hold(ix, key) ||
	    (p = entry_block(ix, key, &n)) == NULL)
		return false;
	first = n * ENTRIES;
	count = ix->entries - first < ENTRIES ? (size_t)(ix->entries - first)
					      : ENTRIES;
	k.first = p;
	n = scaled(key, ix->entries);
	r = rank(&k, count, n < first ? 0 : (size_t)(n - first), key);
	if (r == 0 || key_cmp(&k, r - 1, key) != 0)
		return false;
	memcpy(e, p + (r - 1) * sizeof(*e), sizeof(*e));
	return true;
}

/* ---- making ---- */

static int
record_order(const void *a, const void *b)
{
	const struct index_record *x = a, *y = b;
	int c = memcmp(x->key, y->key, LEDGER_KEY_SIZE);

	if (c != 0)
		return c;
	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	if (x->frame != y->frame)
		return x->frame < y->frame ? -1 : 1;
	return (x->line > y->line) - (x->line < y->line);
}

/* Puts things one after the other into blocks. */
struct section {
	struct buf *out;
	size_t each, per, n;
};

static void *
section_add(struct section *s)
{
	size_t at = s->n++ % s->per;

	if (at == 0) {
		memset(buf_room(s->out, BLOCK_SIZE), 0, BLOCK_SIZE);
		s->out->len += BLOCK_SIZE;
	}
	return s->out->data + s->out->len - BLOCK_SIZE + at * s->each;
}

static void
add_record(struct section *s, const struct index_record *r)
{
	struct table_entry e = {.frame = r->frame, .line = r->line};

	memcpy(e.key, r->key, sizeof(e.key));
	memcpy(section_add(s), &e, sizeof(e));
}

/* Old entries and new records by key; of two on one key the newer. */
static int
merge(struct index_plan *p, struct section *s)
{
	uint64_t i = 0, n = p->old == NULL ? 0 : p->old->entries;
	struct table_entry e;
	size_t k = 0;
	int c;

	while (i < n || k < p->nrecords) {
		const struct index_record *r = &p->records[k];
		if (k + 1 < p->nrecords &&
		    memcmp(r->key, r[1].key, sizeof(r->key)) == 0) {
			k++;
			continue;
		}
		if (i < n && !index_entry(p->old, i, &e))
			return -1;
		c = i == n             ? 1
		    : k == p->nrecords ? -1
				       : memcmp(e.key, r->key, sizeof(r->key));
		if (c < 0 || (c == 0 && p->is_older(p->arg, r, &e)))
			memcpy(section_add(s), &e, sizeof(e));
		else
			add_record(s, r);
		i += c <= 0;
		k += c >= 0;
	}
	return 0;
}

static int
add_frames(struct index_plan *p, struct section *s, struct header *h)
{
	uint32_t n = p->old == NULL ? 0 : p->old->nframes;
	struct index_frame f;

	for (uint32_t i = 0; i < h->nframes; i++) {
		if (i >= n)
			f = p->frames[i - n];
		else if (!index_frame(p->old, i, &f))
			return -1;
		memcpy(section_add(s), &f, sizeof(f));
		if (f.first < h->first)
			h->first = f.first;
		if (f.last > h->last)
			h->last = f.last;
	}
	return 0;
}

static const unsigned char *
made_entry(
    const struct buf *out, size_t start, const struct index *shape, uint64_t n)
{
	return (unsigned char *)out->data + start +
	       (shape->entry_at + n / ENTRIES) * BLOCK_SIZE +
	       n % ENTRIES * sizeof(struct table_entry);
}

static void
add_fences(struct buf *out, size_t start, const struct index *shape)
{
	struct section s = {out, LEDGER_KEY_SIZE, FENCES, 0};

	for (uint64_t n = 0; n < shape->entries; n += ENTRIES) {
		void *to = section_add(&s);
		memcpy(to, made_entry(out, start, shape, n), LEDGER_KEY_SIZE);
	}
}

static void
add_filter(struct buf *out, size_t start, const struct index *shape)
{
	size_t bytes = blocks_for(shape->words, WORDS) * BLOCK_SIZE;
	char *filter = memset(buf_room(out, bytes), 0, bytes);
	uint64_t bits, v;

	for (uint64_t n = 0; n < shape->entries; n++) {
		uint64_t w = filter_word(
		    shape->words, made_entry(out, start, shape, n), &bits);
		char *at = filter + w / WORDS * BLOCK_SIZE + w % WORDS * sizeof(v);
		memcpy(&v, at, sizeof(v));
		v |= bits;
		memcpy(at, &v, sizeof(v));
	}
	out->len += bytes;
}

int
index_make(struct index_plan *p, struct buf *out)
{
	struct section entries = {out, sizeof(struct table_entry), ENTRIES, 0};
	struct section frames = {out, sizeof(struct index_frame), FRAMES, 0};
	struct header h = {.order = ORDER,
	    .version = INDEX_VERSION,
	    .seed = (uint32_t)rng_entropy(),
	    .nframes = (uint32_t)(p->nframes +
				  (p->old == NULL ? 0 : p->old->nframes)),
	    .covered = p->covered,
	    .first = INT64_MAX,
	    .last = INT64_MIN};
	struct index shape;
	size_t start = out->len;

	if (p->nrecords > 1)
		qsort(p->records, p->nrecords, sizeof(*p->records), record_order);
	memset(buf_room(out, BLOCK_SIZE), 0, BLOCK_SIZE);
	out->len += BLOCK_SIZE;
	if (merge(p, &entries) != 0 || add_frames(p, &frames, &h) != 0)
		return -1;
	memset(&shape, 0, sizeof(shape));
	shape.entries = h.entries = entries.n;
	h.distinct = (p->old == NULL || p->old->distinct) &&
		     entries.n ==
			 p->nrecords + (p->old == NULL ? 0 : p->old->entries);
	shape.nframes = h.nframes;
	(void)lay_out(&shape);
	add_fences(out, start, &shape);
	add_filter(out, start, &shape);
	memcpy(h.magic, magic, sizeof(magic));
	memcpy(h.proof, p->proof, sizeof(h.proof));
	memcpy(out->data + start, &h, sizeof(h));
	for (size_t n = 0; start + n * BLOCK_SIZE < out->len; n++) {
		unsigned char *b = (unsigned char *)out->data + start +
				   n * BLOCK_SIZE;
		uint32_t crc = block_crc(b, h.seed, n);
		memcpy(b + BLOCK_CRC_AT, &crc, sizeof(crc));
	}
	return 0;
}
