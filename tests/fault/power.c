/*
 * power: what a power cut may leave of a ledger.
 *
 *	power TRACE DIR SEED ROUNDS [STEP]
 *
 * Replays what record.c has written down, and before every STEPth operation of
 * it the power goes.  What was synced is there.  Of the rest, as file systems
 * may do it,
 *
 *	all	is there: the state that a killed process leaves
 *	none	is there
 *	cut	in each file, and in the directory, all up to some operation,
 *		the last write in part
 *	torn	in each file any of the sectors (or pages) that were written, zeros
 * for the others where the file has grown; any of the names
 *	mixed	likewise, and what was written after the file was cut may be
 *		there without the cut
 *
 * the last three ROUNDS times.  Each state is made in DIR and must be a ledger
 * that has all that was promised and no wrong answer, to which a writer can
 * add, and which then has all of it.  Promised is, with BF_SYNC=always, what was
 * said to be done; with second, what was before the last sync; of a run with
 * never nothing; and none of these takes from what another run has promised.
 *
 * Prints how many states of each kind, and complaints.  Status 1: something was
 * lost, or wrong.
 */
#include "base/mem.h"
#include "base/msg.h"
#include "io/num.h"
#include "io/rng.h"
#include "ledger/internal.h"

#include "numbered.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define AFTERWARDS 1000000000 /* the next writer's record */
#define MAX_FILES  512

struct op {
	char kind;
	uint64_t inode, at;
	char *name, *other;
	struct span data;
};

/* A file, by the order in which it was made. */
struct file {
	uint64_t inode;
	struct buf synced, now;
	struct op **pending; /* since the last sync */
	size_t npending, cap;
};

/* A name, or none where the file is -1. */
struct named {
	const char *name;
	int file;
};

struct names {
	struct named v[MAX_FILES];
	size_t n;
};

struct change {
	const char *gone, *name;
	int file;
};

struct numbers {
	uint64_t *v;
	size_t n, cap;
};

enum kind { ALL, NONE, CUT, TORN, MIXED, KINDS };
static const char *const kinds[KINDS] = {"all", "none", "cut", "torn", "mixed"};

static struct op *ops;
static size_t nops;
static struct file files[MAX_FILES];
static int nfiles;
static struct names synced_names, names_now;
static struct change changes[4 * MAX_FILES];
static size_t nchanges;
static int made, made_synced; /* directories, the ledger's being the last made */
static const char *ledger_path = "";
static char sync_mode; /* of the run: a, s, n */
static struct numbers written, said, promised;
static size_t run_begin; /* of said */
static uint64_t states[KINDS], spoke[KINDS];
static char dir[4096];
static struct rng rng;
static bool lost_told, lost; /* a report speaks of a loss; there is one */
static int failures;

/* What is simulated need not reach the disk. */
int
fsync(int fd)
{
	(void)fd;
	return 0;
}

int
fdatasync(int fd)
{
	(void)fd;
	return 0;
}

/* ---- the trace ---- */

static struct buf
slurp(const char *path)
{
	struct buf b = BUF_INIT;
	FILE *f = fopen(path, "rb");
	size_t n;

	if (f == NULL)
		msg_die(2, "cannot open %s", path);
	while ((n = fread(buf_room(&b, 65536), 1, 65536, f)) > 0)
		b.len += n;
	fclose(f);
	return b;
}

static void
read_trace(const char *path)
{
	static struct buf all;
	size_t cap = 0, a, b, n, at = 0;
	unsigned long long inode, where;
	int head;

	all = slurp(path);
	buf_cstr(&all);
	while (at < all.len) {
		struct op *o;
		if (nops == cap) {
			cap = cap == 0 ? 1024 : 2 * cap;
			ops = mem_resize(ops, cap, sizeof(*ops));
		}
		o = &ops[nops++];
		if (sscanf(all.data + at, "%c %llu %llu %zu %zu %zu%n", &o->kind,
			&inode, &where, &a, &b, &n, &head) != 6)
			msg_die(2, "%s: byte %zu: no operation", path, at);
		at += (size_t)head + 1;
		o->inode = inode;
		o->at = where;
		o->name = mem_strndup(all.data + at, a);
		o->other = mem_strndup(all.data + at + a, b);
		o->data = span_of(all.data + at + a + b, n);
		at += a + b + n + 1;
	}
}

/* ---- files and names ---- */

static void
copy(struct buf *to, const struct buf *from)
{
	buf_clear(to);
	buf_add(to, from->data, from->len);
}

static void
resize(struct buf *b, uint64_t size)
{
	if (size > b->len)
		memset(buf_room(b, size - b->len), 0, size - b->len);
	b->len = size;
}

static void
apply(struct buf *b, const struct op *o)
{
	if (o->kind == 't') {
		resize(b, o->at);
		return;
	}
	if (o->at + o->data.n > b->len)
		resize(b, o->at + o->data.n);
	memcpy(b->data + o->at, o->data.p, o->data.n);
}

static int
find_file(uint64_t inode)
{
	for (int i = nfiles; i-- > 0;)
		if (files[i].inode == inode)
			return i;
	msg_die(2, "a file that was never made");
}

static void
change_names(struct names *m, const struct change *c)
{
	size_t k = 0;

	for (size_t i = 0; i < m->n; i++)
		if ((c->gone == NULL || strcmp(m->v[i].name, c->gone) != 0) &&
		    (c->name == NULL || strcmp(m->v[i].name, c->name) != 0))
			m->v[k++] = m->v[i];
	m->n = k;
	if (c->name != NULL)
		m->v[m->n++] = (struct named){c->name, c->file};
	if (m->n == MAX_FILES)
		msg_die(2, "too many names");
}

static int
named(const char *name)
{
	for (size_t i = 0; i < names_now.n; i++)
		if (strcmp(names_now.v[i].name, name) == 0)
			return names_now.v[i].file;
	msg_die(2, "%s: no such name", name);
}

static void
note_change(const char *gone, const char *name, int file)
{
	struct change c = {gone, name, file};

	if (nchanges == 4 * (size_t)MAX_FILES)
		msg_die(2, "too many changes of names");
	changes[nchanges++] = c;
	change_names(&names_now, &c);
}

/* ---- promises ---- */

static void
number_add(struct numbers *a, uint64_t n)
{
	if (a->n == a->cap) {
		a->cap = a->cap == 0 ? 256 : 2 * a->cap;
		a->v = mem_resize(a->v, a->cap, sizeof(*a->v));
	}
	a->v[a->n++] = n;
}

static void
promise(void)
{
	for (; run_begin < said.n; run_begin++)
		number_add(&promised, said.v[run_begin]);
}

static void
note_said(struct span text)
{
	uint64_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] != '\n' && (text.p[i] < '0' || text.p[i] > '9'))
			return; /* of another program */
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] != '\n') {
			n = 10 * n + (uint64_t)(text.p[i] - '0');
			continue;
		}
		number_add(&said, n);
		n = 0;
	}
	if (sync_mode == 'a')
		promise();
}

/* The records in what is written to a tail. */
static void
note_written(struct span data)
{
	static const char before[] = "\"res\":{\"n\":";
	const char *p = data.p, *end = data.p + data.n;

	while ((p = memmem(p, (size_t)(end - p), before, sizeof(before) - 1)) !=
	       NULL) {
		uint64_t n = 0;
		for (p += sizeof(before) - 1; *p >= '0' && *p <= '9'; p++)
			n = 10 * n + (uint64_t)(*p - '0');
		number_add(&written, n);
	}
}

/* ---- replay ---- */

static void
sync_file(struct file *f)
{
	copy(&f->synced, &f->now);
	f->npending = 0;
	if (sync_mode == 's')
		promise();
}

static void
pend(struct file *f, struct op *o)
{
	if (f->npending == f->cap) {
		f->cap = f->cap == 0 ? 64 : 2 * f->cap;
		f->pending = mem_resize(f->pending, f->cap, sizeof(struct op *));
	}
	f->pending[f->npending++] = o;
	apply(&f->now, o);
}

static void
sync_dir(const char *path)
{
	size_t n = strlen(path);

	/* A directory is there for good when the one above is synced. */
	for (size_t i = 0; i < nops; i++)
		if (ops[i].kind == 'm' && ops[i].inode == 1 &&
		    strncmp(ops[i].name, path, n) == 0 && ops[i].name[n] == '/' &&
		    strchr(ops[i].name + n + 1, '/') == NULL) {
			ops[i].inode = 2;
			made_synced++;
		}
	if (strcmp(path, ledger_path) != 0)
		return;
	synced_names = names_now;
	nchanges = 0;
}

static void
replay(struct op *o)
{
	switch (o->kind) {
	case 'b':
		sync_mode = o->data.p[0];
		run_begin = said.n;
		break;
	case 'c':
		if (nfiles == MAX_FILES)
			msg_die(2, "too many files");
		files[nfiles].inode = o->inode;
		files[nfiles].synced = files[nfiles].now = BUF_INIT;
		note_change(NULL, o->name, nfiles++);
		break;
	case 'w':
		note_written(o->data);
		/* fallthrough */
	case 't':
		pend(&files[find_file(o->inode)], o);
		break;
	case 's':
		sync_file(&files[find_file(o->inode)]);
		break;
	case 'S':
		sync_dir(o->name);
		break;
	case 'm':
		o->inode = 1;
		ledger_path = o->name;
		made++;
		break;
	case 'r':
		note_change(o->name, o->other, named(o->name));
		break;
	case 'u':
		note_change(o->name, NULL, -1);
		break;
	case 'a':
		note_said(o->data);
		break;
	default:
		msg_die(2, "an operation of kind %c", o->kind);
	}
}

/* ---- what is left ---- */

/* In each file, all up to an operation, of which a part. */
static void
left_cut(struct buf *b, const struct file *f)
{
	size_t k = (size_t)rng_below(&rng, f->npending + 1);

	copy(b, &f->synced);
	for (size_t i = 0; i < k; i++)
		apply(b, f->pending[i]);
	if (k < f->npending && f->pending[k]->kind == 'w') {
		struct op part = *f->pending[k];
		part.data.n = (size_t)rng_below(&rng, part.data.n + 1);
		if (part.data.n > 0)
			apply(b, &part);
	}
}

/* Any of the sectors; the size is one that the file has had. */
static void
left_torn(struct buf *b, const struct file *f, bool mixed)
{
	size_t k = (size_t)rng_below(&rng, f->npending + 1), page;
	uint64_t size, likely = 1 + rng_below(&rng, 9);
	struct buf shape = BUF_INIT;

	page = rng_below(&rng, 2) == 0 ? 512 : 4096;
	copy(&shape, &f->synced);
	copy(b, &f->synced);
	for (size_t i = 0; i < k; i++)
		apply(&shape, f->pending[i]);
	size = shape.len;
	for (size_t i = 0; i < f->npending; i++) {
		const struct op *o = f->pending[i];
		if (o->kind == 't') {
			if (i < k)
				resize(b, o->at);
			else if (!mixed)
				break; /* nothing gets before it */
			continue;
		}
		for (uint64_t at = o->at, end; at < o->at + o->data.n; at = end) {
			struct op part = *o;
			end = (at / page + 1) * page;
			if (end > o->at + o->data.n)
				end = o->at + o->data.n;
			part.at = at;
			part.data = span_of(o->data.p + (at - o->at), end - at);
			if (rng_below(&rng, 10) < likely)
				apply(b, &part);
		}
	}
	resize(b, size);
	buf_release(&shape);
}

static void
left_of(struct buf *b, const struct file *f, enum kind kind)
{
	switch (kind) {
	case ALL:
		copy(b, &f->now);
		break;
	case NONE:
		copy(b, &f->synced);
		break;
	case CUT:
		left_cut(b, f);
		break;
	default:
		left_torn(b, f, kind == MIXED);
		break;
	}
}

static struct names
left_names(enum kind kind)
{
	struct names m = synced_names;
	size_t cut = kind == ALL   ? nchanges
		     : kind == CUT ? (size_t)rng_below(&rng, nchanges + 1)
				   : 0;

	for (size_t i = 0; i < nchanges; i++) {
		const struct change *c = &changes[i];
		bool there = false;
		if (kind == TORN || kind == MIXED) {
			for (size_t k = 0; k < m.n; k++)
				there |= c->gone != NULL && c->name != NULL &&
					 strcmp(m.v[k].name, c->gone) == 0;
			/* A rename takes what is there. */
			if ((c->gone != NULL && c->name != NULL && !there) ||
			    rng_below(&rng, 2) == 0)
				continue;
		} else if (i >= cut) {
			continue;
		}
		change_names(&m, c);
	}
	return m;
}

static void
empty_dir(void)
{
	char path[8192];
	DIR *d = opendir(dir);
	struct dirent *de;

	while (d != NULL && (de = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", dir, de->d_name);
		if (strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0 &&
		    unlink(path) != 0)
			msg_die(2, "cannot remove %s", path);
	}
	if (d != NULL)
		closedir(d);
	else if (mkdir(dir, 0700) != 0)
		msg_die(2, "cannot make %s", dir);
}

static void
make_state(enum kind kind)
{
	struct names m = left_names(kind);
	struct buf b = BUF_INIT;
	char path[8192];

	empty_dir();
	for (size_t i = 0; i < m.n; i++) {
		FILE *f;
		snprintf(path, sizeof(path), "%s/%s", dir, m.v[i].name);
		left_of(&b, &files[m.v[i].file], kind);
		f = fopen(path, "wb");
		if (f == NULL || fwrite(b.data, 1, b.len, f) != b.len ||
		    fclose(f) != 0)
			msg_die(2, "cannot make %s", path);
	}
	buf_release(&b);
}

/* ---- is it a ledger? ---- */

static struct buf reports;

static void
report(void *arg, const char *text)
{
	(void)arg;
	buf_adds(&reports, text);
	buf_addc(&reports, '\n');
	if (strstr(text, "lost") != NULL && strstr(text, "nothing is lost") == NULL)
		lost_told = true;
}

static void
complain(size_t op, enum kind kind, const char *what, uint64_t n)
{
	char to[8300];

	if (failures++ >= 5)
		return;
	printf("# operation %zu, %s: %s", op, kinds[kind], what);
	if (n != UINT64_MAX)
		printf(" %" PRIu64, n);
	printf("\n%.*s", (int)reports.len, reports.len > 0 ? reports.data : "");
	snprintf(to, sizeof(to), "%s.bad%d", dir, failures);
	if (getenv("BF_KEEP") != NULL && rename(dir, to) == 0)
		printf("# kept as %s\n", to);
}

static struct ledger *
open_ledger(size_t op, enum kind kind, bool read_only)
{
	struct ledger_options o = {
	    .report = report, .read_only = read_only, .cache = 1 << 20};
	struct err e;
	struct ledger *l = ledger_open(dir, &o, &e);

	if (l == NULL) {
		buf_adds(&reports, e.text);
		complain(op, kind, "it cannot be opened", UINT64_MAX);
	}
	return l;
}

/* Returns false when something is missing or wrong. */
static bool
look(size_t op, enum kind kind, const char *who, bool added)
{
	struct ledger *l = open_ledger(op, kind, true);
	uint64_t missing = UINT64_MAX, wrong = UINT64_MAX;
	struct err e;

	if (l == NULL)
		return false;
	for (size_t i = 0; i < promised.n; i++)
		if (look_for(l, promised.v[i]) != 1)
			missing = promised.v[i];
	for (size_t i = 0; i < said.n; i++)
		if (look_for(l, said.v[i]) == -1)
			wrong = said.v[i];
	for (size_t i = 0; i < written.n; i++)
		lost |= look_for(l, written.v[i]) != 1;
	if (added && look_for(l, AFTERWARDS) != 1)
		missing = AFTERWARDS;
	ledger_close(l, &e);
	if (missing != UINT64_MAX || wrong != UINT64_MAX) {
		buf_adds(&reports, who);
		buf_adds(&reports, " misses it or has it wrong\n");
		complain(op, kind, "missing or wrong: record",
		    missing != UINT64_MAX ? missing : wrong);
		return false;
	}
	return true;
}

static bool
next_writer(size_t op, enum kind kind)
{
	struct ledger *l = open_ledger(op, kind, false);
	struct ledger_record r;
	struct err e;

	if (l == NULL)
		return false;
	memset(&r, 0, sizeof(r));
	make_key(r.key, AFTERWARDS);
	r.http = 200;
	r.response = make_response(AFTERWARDS);
	if (ledger_append(l, &r, &e) != 0 || ledger_commit(l, &e) != 0) {
		buf_adds(&reports, e.text);
		complain(op, kind, "the next writer fails", UINT64_MAX);
		ledger_close(l, &e);
		return false;
	}
	if (ledger_close(l, &e) != 0) {
		buf_adds(&reports, e.text);
		complain(op, kind, "the next writer ends badly", UINT64_MAX);
		return false;
	}
	return true;
}

static void
power_cut(size_t op, enum kind kind)
{
	states[kind]++;
	buf_clear(&reports);
	lost_told = false;
	lost = false;
	if (promised.n > 0 && made_synced < made) {
		complain(
		    op, kind, "the directory itself is not synced", UINT64_MAX);
		return;
	}
	make_state(kind);
	if (!look(op, kind, "a reader", false) || !next_writer(op, kind) ||
	    !look(op, kind, "a reader after the next writer", true))
		return;
	if (lost_told && !lost)
		complain(
		    op, kind, "speaks of a loss, and there is none", UINT64_MAX);
	if (lost_told && spoke[kind]++ == 0 && getenv("BF_KEEP") != NULL)
		printf("# %s: %.*s", kinds[kind], (int)reports.len, reports.data);
}

static uint64_t
number(const char *s)
{
	uint64_t v;

	if (num_u64(span_str(s), &v) != 0)
		msg_die(2, "%s is no number", s);
	return v;
}

int
main(int argc, char **argv)
{
	uint64_t rounds, step;

	msg_init("power");
	if (argc < 5)
		msg_die(2, "usage: power TRACE DIR SEED ROUNDS [STEP]");
	ledger_sizes.block = 2000;
	ledger_sizes.tail = 8000;
	read_trace(argv[1]);
	snprintf(dir, sizeof(dir), "%s", argv[2]);
	rng_seed(&rng, number(argv[3]));
	rounds = number(argv[4]);
	step = argc > 5 ? number(argv[5]) : 1;
	for (size_t i = 0; i <= nops; i++) {
		if (i % step == 0 || i == nops) {
			power_cut(i, ALL);
			power_cut(i, NONE);
			for (uint64_t k = 0; k < rounds; k++)
				for (enum kind kind = CUT; kind < KINDS; kind++)
					power_cut(i, kind);
		}
		if (i < nops)
			replay(&ops[i]);
	}
	for (enum kind kind = 0; kind < KINDS; kind++)
		printf("%s %" PRIu64 " (%" PRIu64 " spoke of loss) ", kinds[kind],
		    states[kind], spoke[kind]);
	printf("promised %zu failures %d\n", promised.n, failures);
	return failures != 0;
}
