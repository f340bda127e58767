/*
 * The official tests of JSON Schema 2020-12, with the documents they refer to.
 */
#include "schema/schema.h"

#include "base/mem.h"
#include "tap.h"
#include "json/json.h"

#include <dirent.h>

#define SUITE   "tests/data/schema/draft2020-12"
#define REMOTES "tests/data/schema/remotes"
#define TESTS   1299 /* in all its files */

static struct schema_document remotes[64];
static struct buf texts[64], uris[64];
static size_t nremotes;
static long tests, wrong;

static struct buf
read_whole(const char *path)
{
	struct buf text = BUF_INIT;
	FILE *f = fopen(path, "rb");
	size_t n;

	if (f == NULL) {
		perror(path);
		exit(1);
	}
	do {
		n = fread(buf_room(&text, 65536), 1, 65536, f);
		text.len += n;
	} while (n > 0);
	fclose(f);
	return text;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Calls f for each file in and below the folder. */
static void
for_each_file(const char *folder, void (*f)(const char *path))
{
	DIR *d = opendir(folder);
	struct dirent *de;
	char *names[200], path[1000];
	size_t n = 0;

	if (d == NULL) {
		perror(folder);
		exit(1);
	}
	while ((de = readdir(d)) != NULL && n < 200)
		if (*de->d_name != '.')
			names[n++] = mem_strdup(de->d_name);
	closedir(d);
	qsort(names, n, sizeof(*names), by_name);
	for (size_t i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		if (strstr(names[i], ".json") != NULL)
			f(path);
		else
			for_each_file(path, f);
		free(names[i]);
	}
}

static void
add_remote(const char *path)
{
	struct buf *uri = &uris[nremotes], *text = &texts[nremotes];

	*text = read_whole(path);
	*uri = BUF_INIT;
	buf_addf(uri, "http://localhost:1234%s", path + strlen(REMOTES));
	remotes[nremotes++] = (struct schema_document){
	    buf_span(uri), buf_span(text)};
}

static bool
is_true(struct span v)
{
	return json_type(v) == JSON_TRUE;
}

static void
complain(const char *path, struct span group, struct span test, const char *why)
{
	struct span a = json_get(group, "description"),
		    b = json_get(test, "description");

	wrong++;
	printf("# %s: %.*s: %.*s: %s\n", path, (int)a.n, a.p, (int)b.n,
	    b.p == NULL ? "" : b.p, why);
}

static void
run_group(const char *path, struct span group)
{
	struct schema_options o = {.documents = remotes, .ndocuments = nremotes};
	struct err e = ERR_INIT;
	struct schema *s = schema_compile(json_get(group, "schema"), &o, &e);
	struct json_iter it = json_iter(json_get(group, "tests"));
	struct buf report = BUF_INIT;
	struct json_member m;
	int rc, want;

	if (s == NULL)
		complain(path, group, SPAN("{}"), e.text);
	while (json_next(&it, &m)) {
		tests++;
		if (s == NULL)
			continue;
		rc = schema_check(s, json_get(m.value, "data"), &e);
		want = is_true(json_get(m.value, "valid"));
		if (rc != want)
			complain(path, group, m.value,
			    rc < 0   ? e.text
			    : rc > 0 ? "found valid"
				     : "found invalid");
		if (rc == 0 && schema_errors(s) == 0)
			complain(path, group, m.value, "no error is reported");
		buf_clear(&report);
		schema_report(s, &report);
		if (rc == 1 && report.len > 0)
			complain(path, group, m.value, "an error is reported");
	}
	buf_release(&report);
	schema_free(s);
}

static void
run_file(const char *path)
{
	struct buf text = read_whole(path);
	struct json_fault f;
	struct json_iter it;
	struct json_member m;
	long before = wrong, first = tests;

	if (json_check(buf_span(&text), &f) != 0) {
		ok(false, "%s is JSON", path);
		return;
	}
	it = json_iter(json_value(buf_span(&text)));
	while (json_next(&it, &m))
		run_group(path, m.value);
	ok(wrong == before, "%s: %ld tests", path + sizeof(SUITE), tests - first);
	buf_release(&text);
}

int
main(void)
{
	for_each_file(REMOTES, add_remote);
	for_each_file(SUITE, run_file);
	is_int(tests, TESTS, "none of the suite's tests is left out");
	for (size_t i = 0; i < nremotes; i++) {
		buf_release(&texts[i]);
		buf_release(&uris[i]);
	}
	return done();
}
