/* The ledger against what crashes, power cuts and bad disks leave behind. */
#include "base/mem.h"
#include "io/rng.h"

#include "ledger_help.h"

#define FRAMED 30
#define ALL    36 /* the last are in the tail alone */

/* Of the bits of a file; with a sanitizer all would take minutes. */
#ifdef __SANITIZE_ADDRESS__
#define STRIDE 5
#else
#define STRIDE 1
#endif

static struct image clean, open_seg, open_tail;
static bool present[2000];
static char long_text[200];

/* Removes what other writers have begun. */
static void
only_segment(void)
{
	char path[400];
	DIR *d = opendir(dir);
	struct dirent *de;

	while (d != NULL && (de = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", dir, de->d_name);
		if (de->d_name[0] != '.' && strcmp(path, segment) != 0)
			unlink(path);
	}
	if (d != NULL)
		closedir(d);
}

/* A segment after a clean end; then one with a tail, as at a writer's death. */
static void
make_images(void)
{
	struct ledger *l;

	new_dir();
	free(clean.data);
	free(open_seg.data);
	free(open_tail.data);
	memset(long_text, 'x', sizeof(long_text) - 1);
	ledger_sizes.block = 1500;
	l = open_ledger(&writing);
	for (unsigned n = 0; n < FRAMED; n++) {
		add(l, n, long_text + n * 5);
		commit(l);
	}
	ledger_close(l, &e);
	find_segment();
	clean = slurp(segment);
	l = open_ledger(&writing);
	ledger_sizes.block = 1 << 20;
	for (unsigned n = FRAMED; n < ALL; n++)
		add(l, n, long_text + n * 5);
	commit(l);
	open_seg = slurp(segment);
	open_tail = slurp(tail);
	ledger_close(l, &e);
}

static void
put(const struct image *seg, const struct image *t)
{
	spit(segment, seg->data, seg->n);
	if (t == NULL)
		unlink(tail);
	else
		spit(tail, t->data, t->n);
}

/* Opens, and notes what is there; -1 if it cannot be opened, else the number of
 * records. */
static int wrong;
static int
look(const struct ledger_options *o, bool append)
{
	unsigned char key[LEDGER_KEY_SIZE];
	struct ledger_record r;
	struct ledger *l;
	int n = 0;

	buf_clear(&reports);
	l = ledger_open(dir, o, &e);
	if (l == NULL)
		return -1;
	for (unsigned i = 0; i < ALL; i++) {
		struct ledger_record want = make_record(i, long_text + i * 5);
		make_key(key, i);
		present[i] = ledger_get(l, key, &r, &e) == 1;
		wrong += present[i] && !span_eq(r.response, want.response);
		n += present[i];
	}
	if (append) {
		add(l, 1000, "after");
		commit(l);
	}
	if (ledger_close(l, &e) != 0)
		return -1;
	return n;
}

/* Lines in all frames of the directory. */
static int
lines_in_frames(void)
{
	struct ledger *l = open_ledger(&reading);
	struct span text, line;
	bool whole;
	int n = 0;

	for (uint32_t i = 0; i < l->nframes; i++)
		if (l->frames[i].kind == FRAME_IN_SEGMENT &&
		    store_text(l, i, &text) == 0)
			while (record_next(&text, &line, &whole))
				n++;
	ledger_close(l, &e);
	return n;
}

/* The next writer takes over and comes to a clean end. */
static int
next_writer_fails(int records)
{
	if (look(&writing, true) != records || look(&reading, false) != records)
		return 1;
	return files(".tail") != 0 || lines_in_frames() != records + 1;
}

static int
lines_before(const struct image *f, size_t n)
{
	int lines = 0;

	for (size_t i = 0; i < n; i++)
		lines += f->data[i] == '\n';
	return lines;
}

/* Records that the frames alone hold, of the segment of a writer at work. */
static int
framed_records(void)
{
	put(&open_seg, NULL);
	return look(&reading, false);
}

static void
test_cut_tail(void)
{
	int bad = 0, told = 0, mend = 0, framed = framed_records();

	for (size_t n = 0; n <= open_tail.n; n++) {
		struct image t = {open_tail.data, n};
		put(&open_seg, &t);
		bad += look(&reading, false) !=
		       framed + lines_before(&open_tail, n);
		told += reports.len != 0;
		if (n % 17 == 0)
			mend += next_writer_fails(
			    framed + lines_before(&open_tail, n));
	}
	ok(framed >= FRAMED - 10 && framed < ALL, "%d records are framed", framed);
	is_int(bad, 0, "a tail cut anywhere gives all its whole lines");
	is_int(told, 0, "which is nothing to report");
	is_int(mend, 0, "and the next writer goes on from there");
}

static void
test_zeros(void)
{
	struct image t = {mem_zero(1, open_tail.n + 8192), open_tail.n};
	int framed = framed_records(), bad = 0, mend = 0;

	for (size_t zeros = 1; zeros <= 4096; zeros *= 4) {
		memcpy(t.data, open_tail.data, open_tail.n);
		memset(t.data + open_tail.n, 0, zeros);
		t.n = open_tail.n + zeros;
		put(&open_seg, &t);
		bad += look(&reading, false) != ALL || reports.len != 0;
		mend += next_writer_fails(ALL);
	}
	is_int(bad, 0, "zeros at the end of a tail");
	is_int(mend, 0, "are cut off");
	bad = 0;
	for (size_t at = 0; at + 512 < open_tail.n; at += 64) {
		memcpy(t.data, open_tail.data, open_tail.n);
		memset(t.data + at, 0, 512);
		t.n = open_tail.n;
		put(&open_seg, &t);
		bad += look(&reading, false) <
			   framed + lines_before(&open_tail, open_tail.n) - 4 ||
		       reports.len != 0;
		mend += look(&writing, true) < 0 || files(".tail") != 0;
	}
	is_int(bad, 0, "a hole in a tail costs the lines it is in");
	is_int(mend, 0, "and the writer comes to a clean end");
	free(t.data);
}

static void
test_cut_segment(void)
{
	int bad = 0, silent = 0, mend = 0, last = 0;

	for (size_t n = 0; n <= clean.n; n++) {
		struct image s = {clean.data, n};
		int now;
		put(&s, NULL);
		now = look(&reading, false);
		bad += now < last;
		silent += n > FRAME_HEADER_SIZE && now == last && reports.len == 0;
		last = now;
		/* Not mended: a clean end came before. The next writer takes
		 * another segment. */
		if (n % 29 == 0) {
			mend += look(&writing, true) != now ||
				look(&reading, false) != now;
			only_segment();
		}
	}
	is_int(bad, 0, "a segment cut anywhere gives all its whole frames");
	is_int(last, FRAMED, "the uncut one all");
	is_int(silent, 0, "a frame that is cut is reported");
	is_int(mend, 0, "and a writer loses nothing more");

	bad = silent = mend = 0;
	for (size_t n = 0; n <= open_seg.n; n++) {
		struct image s = {open_seg.data, n};
		int now;
		put(&s, &open_tail);
		now = look(&reading, false);
		bad += now < ALL - framed_records();
		if (n % 29 == 0) {
			put(&s, &open_tail);
			mend += next_writer_fails(now);
		}
	}
	is_int(bad, 0, "with a tail beside it, those of the tail too");
	is_int(mend, 0, "and the next writer mends it");
}

static void
test_flipped_bits(void)
{
	struct image f = {mem_alloc(clean.n + open_tail.n), clean.n};
	int silent = 0, many = 0, refused = 0, most = 0;

	wrong = 0;
	for (size_t i = 0; i < 8 * clean.n; i += STRIDE) {
		memcpy(f.data, clean.data, clean.n);
		f.data[i / 8] ^= (char)(1 << i % 8);
		put(&f, NULL);
		int now = look(&reading, false);
		refused += now < 0;
		if (now < 0)
			continue;
		silent += now < FRAMED && reports.len == 0;
		most = FRAMED - now > most ? FRAMED - now : most;
		many += FRAMED - now > 6; /* a frame's worth */
	}
	is_int(wrong, 0, "a flipped bit in a segment: never a wrong answer");
	is_int(silent, 0, "never a silent loss");
	is_int(many, 0, "never more than its own frame lost");
	ok(refused <= 4, "refused as of a newer version: %d", refused);

	silent = many = 0;
	f.n = open_tail.n;
	for (size_t i = 0; i < 8 * open_tail.n; i += STRIDE) {
		memcpy(f.data, open_tail.data, open_tail.n);
		f.data[i / 8] ^= (char)(1 << i % 8);
		put(&open_seg, &f);
		int now = look(&reading, false);
		silent += now < ALL && reports.len == 0;
		many += now < ALL - 1;
	}
	is_int(wrong, 0, "a flipped bit in a tail: never a wrong answer");
	is_int(silent, 0, "never a silent loss");
	is_int(many, 0, "never more than its own record lost");
	free(f.data);
}

/* A damaged segment is not written to: what repair may save is left as it is. */
static void
test_damage_stays(void)
{
	struct image f = {mem_dup(clean.data, clean.n), clean.n}, after;

	f.data[60] ^= 1;
	put(&f, NULL);
	ok(look(&writing, true) >= FRAMED - 6 && reports.len > 0,
	    "a damaged segment is reported");
	ok(strstr(buf_cstr(&reports), segment) != NULL &&
		strstr(buf_cstr(&reports), "byte 20:") != NULL,
	    "with file and offset");
	after = slurp(segment);
	ok(after.n == f.n && memcmp(after.data, f.data, f.n) == 0,
	    "and left alone");
	is_int(files(".zst"), 2, "a new one is begun");
	free(after.data);
	free(f.data);
}

/* States between the steps of framing, cutting the tail, taking back. */
static void
test_both(void)
{
	struct image t = {mem_alloc(1 << 16), 0};
	struct ledger *l;
	struct span text;
	int framed;

	new_dir();
	make_images();
	framed = framed_records();
	/* The tail's first lines are those of the last frames. */
	l = open_ledger(&reading);
	for (uint32_t i = l->nframes - 2; i < l->nframes; i++) {
		store_text(l, i, &text);
		memcpy(t.data + t.n, text.p, text.n);
		t.n += text.n;
	}
	ledger_close(l, &e);
	put(&open_seg, &t);
	is_int(look(&reading, false), framed, "framed, and the tail not yet cut");
	is_int(
	    next_writer_fails(framed), 0, "each record is there once afterwards");
	memcpy(t.data + t.n, open_tail.data, open_tail.n);
	t.n += open_tail.n;
	put(&open_seg, &t);
	is_int(look(&reading, false), ALL, "some of the tail framed");
	is_int(next_writer_fails(ALL), 0, "each record is there once afterwards");
	/* And half of the next frame. */
	struct image s = {mem_alloc(open_seg.n + 100), open_seg.n + 60};
	memcpy(s.data, open_seg.data, open_seg.n);
	memcpy(s.data + open_seg.n, clean.data + FRAME_HEADER_SIZE, 60);
	put(&s, &t);
	is_int(look(&reading, false), ALL, "and half a frame behind");
	is_int(next_writer_fails(ALL), 0, "each record is there once afterwards");
	memset(s.data + open_seg.n, 0, 60);
	put(&s, NULL);
	is_int(look(&reading, false), framed, "zeros behind the last frame");
	is_int(next_writer_fails(framed), 0, "are cut off");
	free(s.data);
	free(t.data);
}

/*
 * Power cuts: of what was not synced any end may be missing.  The segment is
 * synced when the tail is cut; the tail at each commit.
 */
static void
test_power_cut(void)
{
	struct ledger_options always = {
	    .report = report, .sync = LEDGER_SYNC_ALWAYS};
	struct ledger *l, *reader;
	char from[64];
	struct rng rng;
	uint64_t synced = FRAME_HEADER_SIZE;
	int bad = 0;

	new_dir();
	rng_seed(&rng, 7);
	ledger_sizes.block = 1500;
	ledger_sizes.tail = 5000;
	l = open_ledger(&always);
	memcpy(from, dir, sizeof(from));
	for (unsigned n = 0; n < 300; n++) {
		struct image s, t;
		memcpy(dir, from, sizeof(dir));
		add(l, n, long_text + n % 190);
		commit(l);
		if (l->writer.tail_size == 0)
			synced = l->writer.size;
		find_segment();
		s = slurp(segment);
		t = slurp(tail);
		s.n = synced + rng_below(&rng, s.n - synced + 1);
		snprintf(dir, sizeof(dir), "%.50s-cut", from);
		mkdir(dir, 0700);
		char name[500];
		snprintf(name, sizeof(name), "%s%s", dir, segment + strlen(from));
		spit(name, s.data, s.n);
		snprintf(name, sizeof(name), "%s%s", dir, tail + strlen(from));
		spit(name, t.data, t.n);
		reader = open_ledger(&reading);
		for (unsigned k = n < 40 ? 0 : n - 40; k <= n; k++)
			bad += !has_answer(reader, k, long_text + k % 190);
		ledger_close(reader, &e);
		free(s.data);
		free(t.data);
	}
	is_int(bad, 0, "300 power cuts: all that was synced is there");
	new_dir(); /* removes the copy */
	memcpy(dir, from, sizeof(dir));
	ledger_close(l, &e);
	new_dir();
}

int
main(void)
{
	make_images();
	test_cut_tail();
	test_zeros();
	test_cut_segment();
	test_flipped_bits();
	test_damage_stays();
	test_both();
	test_power_cut();
	free(clean.data);
	free(open_seg.data);
	free(open_tail.data);
	buf_release(&reports);
	return done();
}
