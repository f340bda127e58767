/*
 * The index beside a segment: with it, without it and with any byte of it
 * wrong, all look-ups answer alike.
 */
#include "ledger_help.h"

#include "base/mem.h"
#include "io/rng.h"

#define N 400 /* keys */

static struct ledger_sizes usual;

static void
small_sizes(void)
{
	ledger_sizes.block = 2048;
	ledger_sizes.tail = 8192;
	ledger_sizes.segment = 24 << 10;
	ledger_sizes.index = 4096;
	ledger_sizes.blocks = 3; /* far fewer than there are */
}

/* What each key's answer is to be; NULL: none. */
static char want[N][64];

static void
put_record(struct ledger *l, unsigned n, const char *text, int64_t time)
{
	struct ledger_record r = make_record(n, text);

	r.time = time;
	if (text == NULL) {
		r.status = LEDGER_FORGET;
		r.response = r.request = r.usage = SPAN_NONE;
	}
	if (ledger_append(l, &r, &e) != 0)
		ok(false, "append: %s", e.text);
}

/* Runs of several writers, some at once: answers, newer ones, withdrawals. */
static void
make_ledger(uint64_t seed)
{
	int64_t newest[N] = {0};
	struct ledger *l[2];
	struct rng rng;
	char more[64];

	rng_seed(&rng, seed);
	memset(want, 0, sizeof(want));
	for (int run = 0; run < 6; run++) {
		for (int k = 0; k < 2; k++) {
			l[k] = open_ledger(&writing);
			if (ledger_prepare(l[k], &e) != 0)
				ok(false, "prepare: %s", e.text);
		}
		for (unsigned i = 0; i < 300; i++) {
			unsigned n = (unsigned)rng_below(&rng, N),
				 w = (unsigned)rng_below(&rng, 2);
			bool forget = rng_below(&rng, 8) == 0;
			/* Times do not go with the order of writing. */
			int64_t time = 1700000000000 +
				       (int64_t)rng_below(&rng, 1000000) * 1000 +
				       run * 300 + i;
			snprintf(more, sizeof(more), "%d.%u.%llx", run, i,
			    (unsigned long long)rng_next(&rng));
			put_record(l[w], n, forget ? NULL : more, time);
			if (time > newest[n]) {
				newest[n] = time;
				memcpy(want[n], more, sizeof(more));
				if (forget)
					want[n][0] = '\0';
			}
			if (rng_below(&rng, 10) == 0)
				commit(l[w]);
		}
		for (int k = 0; k < 2; k++)
			if (ledger_close(l[k], &e) != 0)
				ok(false, "close: %s", e.text);
	}
}

/* Keys whose answer is not as it should be. */
static int
wrong(struct ledger *l)
{
	int bad = 0;

	for (unsigned i = 0; i < N; i++) {
		unsigned n = i * 37 % N;
		bad += want[n][0] == '\0' ? !has_none(l, n)
					  : !has_answer(l, n, want[n]);
	}
	return bad + !has_none(l, N + 1);
}

static int
wrong_now(const struct ledger_options *o)
{
	struct ledger *l = open_ledger(o);
	int bad = wrong(l);

	return bad + (ledger_close(l, &e) != 0);
}

static int
answers_wanted(void)
{
	int n = 0;

	for (unsigned i = 0; i < N; i++)
		n += want[i][0] != '\0';
	return n;
}

static void
run_in_dir(const char *cmd)
{
	char all[256];

	snprintf(all, sizeof(all), "cd '%s' && { %s; }", dir, cmd);
	if (system(all) != 0)
		ok(false, "%s", cmd);
}

static void
test_alike(void)
{
	struct ledger *l;
	int indexes, bad = 0;

	for (uint64_t seed = 1; seed <= 5; seed++) {
		new_dir();
		make_ledger(seed);
		indexes = files(".idx");
		if (indexes < 4)
			ok(false, "%d indexes only", indexes);
		l = open_ledger(&reading);
		bad += wrong(l);
		bad += ledger_count(l) != (uint64_t)answers_wanted();
		close_ledger(l, "close");
		run_in_dir("rm *.idx");
		bad += wrong_now(&reading);
		bad += files(".idx") != 0;
		bad += wrong_now(&writing); /* which makes them again */
		bad += files(".idx") == 0;
		bad += wrong_now(&reading);
	}
	is_int(bad, 0, "look-ups answer alike with indexes and without");
	no_reports("nothing to report");
}

/* After enough look-ups it is known which keys are in several indexes. */
static void
test_repeats(void)
{
	struct ledger *l, *w;
	struct ledger_record r;
	int bad = 0;

	new_dir();
	make_ledger(11);
	l = open_ledger(&reading);
	for (int i = 0; i < 10; i++)
		bad += wrong(l);
	is_int(bad, 0, "asked again and again");
	ok(l->repeats.exact && l->repeats.keys.n > 20 && l->repeats.keys.n < N,
	    "keys that several indexes have are known: %zu", l->repeats.keys.n);
	w = open_ledger(&writing);
	for (unsigned n = 0; n < N; n += 3) {
		r = make_record(n, "newer");
		r.time = 1900000000000;
		bad += ledger_append(w, &r, &e) != 0;
		snprintf(want[n], sizeof(want[n]), "newer");
	}
	bad += ledger_close(w, &e) != 0;
	bad += ledger_refresh(l, &e) != 0;
	for (int i = 0; i < 10; i++)
		bad += wrong(l);
	is_int(bad, 0, "and what is recorded then counts");
	close_ledger(l, "close");
	no_reports("nothing to report");
}

/* ---- wrong indexes ---- */

static char name[512];

/* The biggest index of the directory. */
static void
find_index(void)
{
	DIR *d = opendir(dir);
	struct dirent *de;
	struct stat st;
	off_t most = 0;
	char path[512];

	while (d != NULL && (de = readdir(d)) != NULL) {
		size_t n = strlen(de->d_name);
		snprintf(path, sizeof(path), "%s/%s", dir, de->d_name);
		if (n < 4 || strcmp(de->d_name + n - 4, ".idx") != 0 ||
		    stat(path, &st) != 0 || st.st_size < most)
			continue;
		most = st.st_size;
		snprintf(name, sizeof(name), "%s", path);
	}
	closedir(d);
}

static void
test_flipped(void)
{
	struct image ix;
	size_t step;
	int bad = 0;

	new_dir();
	make_ledger(9);
	find_index();
	ix = slurp(name);
	step = ix.n / 150;
	for (size_t at = 0; at < ix.n; at += at < 100 ? 1 : step) {
		char was = ix.data[at];
		ix.data[at] = (char)(was ^ (1 << at % 8));
		spit(name, ix.data, ix.n);
		bad += wrong_now(&reading);
		ix.data[at] = was;
	}
	is_int(bad, 0, "a bit of it flipped changes no answer");
	for (size_t cut = 0; cut < ix.n; cut += 500) {
		spit(name, ix.data, cut);
		bad += wrong_now(&reading);
	}
	is_int(bad, 0, "nor its end cut off");
	memset(ix.data + ix.n / 2, 0, ix.n - ix.n / 2);
	spit(name, ix.data, ix.n);
	is_int(wrong_now(&reading), 0, "nor zeros in it");
	no_reports("none of which is worth a word");
	free(ix.data);
}

/* An index of another segment, of another state of this one, of nothing. */
static void
test_stale(void)
{
	run_in_dir("rm *.idx");
	new_dir();
	make_ledger(10);
	run_in_dir("set -- *.idx; a=$1 z=$2; cp $a t; cp $z $a; mv t $z");
	is_int(wrong_now(&reading), 0, "indexes exchanged");
	run_in_dir("for i in *.idx; do rm $i; mkdir $i; done");
	is_int(wrong_now(&reading), 0, "folders in their place");
	run_in_dir("for i in *.idx; do rmdir $i; ln -s /dev/zero $i; done");
	is_int(wrong_now(&reading), 0, "symbolic links in their place");
	run_in_dir("for i in *.idx; do rm $i; mkfifo $i; done");
	is_int(wrong_now(&reading), 0, "fifos in their place");
	run_in_dir("rm *.idx");
	is_int(wrong_now(&writing), 0, "made again");
	ok(files(".idx") > 0, "as files");
	run_in_dir("chmod 500 .");
	is_int(wrong_now(&reading), 0, "a folder that cannot be written to");
	run_in_dir("chmod 700 .");
}

/* A segment cut shorter than its index says, and one that grew otherwise. */
static void
test_other_segment(void)
{
	struct ledger *l;
	int bad = 0;

	new_dir();
	l = open_ledger(&writing);
	for (unsigned n = 0; n < 200; n++)
		add(l, n, "first");
	commit(l);
	close_ledger(l, "close");
	run_in_dir("mkdir .old && cp *.zst *.idx .old");
	run_in_dir("set -- *.zst; s=$(stat -c %s $1); truncate -s $((s / 2)) $1");
	l = open_ledger(&reading);
	for (unsigned n = 0; n < 200; n++)
		bad += !has_answer(l, n, "first");
	ok(bad > 20 && bad < 180,
	    "what was cut off is not there, the rest is: %d gone", bad);
	close_ledger(l, "close");
	ok(buf_span(&reports).n > 0, "and it is reported");
}

/* ---- an index that runs behind ---- */

static void
test_many_runs(void)
{
	struct ledger *l;
	int bad = 0;
	struct stat st;

	ledger_sizes.segment = 1 << 20;
	new_dir();
	for (unsigned run = 0; run < 120; run++) {
		l = open_ledger(&writing);
		for (unsigned i = 0; i < 3; i++)
			add(l, run * 3 + i, "run");
		commit(l);
		for (unsigned i = 0; i < run * 3; i += 17)
			bad += !has_answer(l, i, "run");
		if (ledger_close(l, &e) != 0)
			bad++;
	}
	is_int(bad, 0, "a hundred small runs find what those before them recorded");
	is_int(files(".zst"), 1, "in one segment");
	is_int(files(".idx"), 1, "with one index");
	l = open_ledger(&reading);
	is_int((long long)ledger_count(l), 360, "all of them");
	ok(l->segments[0].index != NULL && l->segments[0].index->entries > 300,
	    "most by the index");
	ok(l->table.count < 60, "and few without: %u", l->table.count);
	close_ledger(l, "close");
	find_index();
	ok(stat(name, &st) == 0 && (st.st_mode & 0777) == 0600,
	    "which is the user's alone");
	small_sizes();
}

/* A writer makes indexes while it goes, and finds its own records in them. */
static void
test_writer(void)
{
	struct ledger *l;
	int bad = 0;

	ledger_sizes.segment = 1 << 20;
	new_dir();
	l = open_ledger(&writing);
	for (unsigned n = 0; n < 3000; n++) {
		add(l, n, "while it is written");
		if (n % 7 == 0)
			commit(l);
		bad += !has_answer(l, n * 13 % (n + 1), "while it is written");
	}
	commit(l);
	is_int(bad, 0, "found while indexes are made");
	ok(files(".idx") == 1, "there is one");
	ok(l->table.count < 1500, "what is in it is not held: %u", l->table.count);
	bad = !has_none(l, 3000);
	for (unsigned n = 0; n < 3000; n += 2)
		add(l, n, "again");
	commit(l);
	for (unsigned n = 0; n < 3000; n++)
		bad += !has_answer(
		    l, n, n % 2 == 0 ? "again" : "while it is written");
	is_int(bad, 0, "newer answers count");
	is_int((long long)ledger_count(l), 3000, "each key counts once");
	close_ledger(l, "close");
	small_sizes();
}

/* ---- frames asked for again and again ---- */

static void
test_spool(void)
{
	struct ledger_options tiny = {
	    .report = report, .read_only = true, .cache = 1};
	struct ledger *l;
	int bad = 0;

	new_dir();
	l = open_ledger(&writing);
	for (unsigned n = 0; n < 2000; n++)
		add(l, n, n % 100 == 0 ? res + 700 : "spooled");
	commit(l);
	close_ledger(l, "close");
	l = open_ledger(&tiny);
	for (unsigned i = 0; i < 20000; i++) {
		unsigned n = i * 977 % 2000;
		if (n % 100 != 0)
			bad += !has_answer(l, n, "spooled");
	}
	is_int(bad, 0, "in an order far from the ledger's");
	ok(l->spool.fd >= 0, "from a temporary file");
	close_ledger(l, "close");
	setenv("TMPDIR", "/nonexistent", 1);
	l = open_ledger(&tiny);
	for (unsigned i = 0; i < 2000; i++)
		if (i * 977 % 2000 % 100 != 0)
			bad += !has_answer(l, i * 977 % 2000, "spooled");
	is_int(bad, 0, "and where there can be none");
	ok(l->spool.fd < 0, "there is none");
	close_ledger(l, "close");
	unsetenv("TMPDIR");
}

/* ---- what others add ---- */

static int
refresh(struct ledger *l)
{
	if (ledger_refresh(l, &e) == 0)
		return 0;
	ok(false, "refresh: %s", e.text);
	return 1;
}

static void
test_refresh(void)
{
	struct ledger *r, *w, *x;
	int bad = 0;

	ledger_sizes.segment = 16 << 10;
	new_dir();
	r = open_ledger(&reading);
	w = open_ledger(&writing);
	for (unsigned n = 0; n < 1500; n++) {
		add(w, n, "from another");
		if (n % 3 == 0)
			continue;
		commit(w);
		bad += refresh(r);
		bad += !has_answer(r, n, "from another") ||
		       !has_answer(r, n / 2, "from another") || !has_none(r, n + 1);
	}
	is_int(bad, 0, "each record is seen as soon as it is written");
	x = open_ledger(&writing);
	add(x, 5000, "from a third");
	commit(x);
	bad += refresh(r) + refresh(w);
	bad += !has_answer(r, 5000, "from a third") ||
	       !has_answer(w, 5000, "from a third");
	close_ledger(x, "close");
	close_ledger(w, "close");
	bad += refresh(r);
	for (unsigned n = 0; n < 1500; n++)
		bad += !has_answer(r, n, "from another");
	bad += !has_answer(r, 5000, "from a third");
	is_int(bad, 0, "and after they ended");
	for (unsigned run = 0; run < 40;
	     run++) { /* each takes back a short frame */
		w = open_ledger(&writing);
		add(w, 6000 + run, "of a small run");
		commit(w);
		bad += refresh(r) || !has_answer(r, 6000 + run, "of a small run");
		if (run % 2 == 0)
			ledger_close(w, &e);
		bad += refresh(r) || !has_answer(r, 6000 + run, "of a small run");
		if (run % 2 == 1)
			ledger_close(w, &e);
		for (unsigned i = 0; i <= run; i++)
			bad += !has_answer(r, 6000 + i, "of a small run");
	}
	is_int(bad, 0, "small runs are seen, one after the other");
	close_ledger(r, "close");
	no_reports("nothing to report");
	small_sizes();
}

/* Everything moves to other files, as when a ledger is made compact. */
static void
test_moved(void)
{
	struct ledger *r;

	new_dir();
	make_ledger(11);
	r = open_ledger(&(struct ledger_options){
	    .report = report, .read_only = true, .cache = 1});
	run_in_dir(
	    "for f in *.zst; do cp $f 20300101T000000Z-$f; done; rm 202[0-9]*.idx; "
	    "for f in 202[0-9]*.zst; do : >$f; done; rm 202[0-9]*.zst");
	is_int(wrong(r), 0, "found where it is now");
	close_ledger(r, "close");
}

int
main(void)
{
	usual = ledger_sizes;
	small_sizes();
	test_alike();
	test_repeats();
	test_flipped();
	test_stale();
	test_other_segment();
	test_many_runs();
	test_writer();
	test_spool();
	test_refresh();
	test_moved();
	ledger_sizes = usual;
	new_dir();
	return done();
}
