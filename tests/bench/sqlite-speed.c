/*
 * sqlite-speed write DB RECORDS N each|50ms   a table of the lines of RECORDS, by
 * key sqlite-speed look  DB KEYS N                each key's line: in order,
 * shuffled
 *
 * A cache in SQLite as a program would keep it: WAL, synchronous=normal, a
 * transaction a record, or one every 50 ms.  Prints "name value" lines: CPU
 * microseconds a record.
 */
#if __has_include(<sqlite3.h>)

#include "io/clock.h"
#include "io/hash.h"
#include "io/rng.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static sqlite3 *db;

static void
check(int rc)
{
	if (rc == SQLITE_OK || rc == SQLITE_ROW || rc == SQLITE_DONE)
		return;
	fprintf(stderr, "sqlite-speed: %s\n", sqlite3_errmsg(db));
	exit(2);
}

static double
cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static FILE *
open_file(const char *path)
{
	FILE *f = fopen(path, "r");

	if (f == NULL) {
		perror(path);
		exit(2);
	}
	return f;
}

static void
open_db(const char *path)
{
	check(sqlite3_open(path, &db));
	check(sqlite3_exec(db,
	    "pragma journal_mode=wal; pragma synchronous=normal;"
	    "create table if not exists l(k blob primary key, v text)",
	    NULL, NULL, NULL));
}

static void
write_all(const char *records, size_t n, bool each)
{
	FILE *f = open_file(records);
	sqlite3_stmt *put;
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;
	double spent = 0, start;
	int64_t begun = 0;
	unsigned char key[16];

	check(sqlite3_prepare_v2(
	    db, "insert or replace into l values(?, ?)", -1, &put, NULL));
	for (size_t i = 0; i < n && (len = getline(&line, &cap, f)) > 44; i++) {
		hash_unhex(span_of(line + 12, 32), key, sizeof(key));
		start = cpu_us();
		if (!each && begun == 0) {
			check(sqlite3_exec(db, "begin", NULL, NULL, NULL));
			begun = clock_mono_us();
		}
		check(sqlite3_bind_blob(put, 1, key, sizeof(key), SQLITE_STATIC));
		check(sqlite3_bind_text(put, 2, line, (int)len - 1, SQLITE_STATIC));
		check(sqlite3_step(put));
		check(sqlite3_reset(put));
		if (!each && clock_mono_us() - begun > 50000) {
			check(sqlite3_exec(db, "commit", NULL, NULL, NULL));
			begun = 0;
		}
		spent += cpu_us() - start;
	}
	start = cpu_us();
	if (begun != 0)
		check(sqlite3_exec(db, "commit", NULL, NULL, NULL));
	sqlite3_finalize(put);
	check(sqlite3_close(db));
	printf("write %.2f\n", (spent + cpu_us() - start) / (double)n);
	free(line);
	fclose(f);
}

static void
look(const char *file, size_t n, bool shuffled)
{
	unsigned char *keys = malloc(n * 16);
	FILE *f = open_file(file);
	sqlite3_stmt *get;
	struct rng rng;
	double start;

	if (keys == NULL || fread(keys, 16, n, f) != n)
		exit(2);
	fclose(f);
	rng_seed(&rng, 1);
	check(
	    sqlite3_prepare_v2(db, "select v from l where k = ?", -1, &get, NULL));
	start = cpu_us();
	for (size_t i = 0; i < n; i++) {
		size_t k = shuffled ? (size_t)rng_below(&rng, n) : i;
		check(sqlite3_bind_blob(get, 1, keys + 16 * k, 16, SQLITE_STATIC));
		if (sqlite3_step(get) != SQLITE_ROW ||
		    sqlite3_column_bytes(get, 0) == 0)
			exit(2);
		check(sqlite3_reset(get));
	}
	printf("%s %.2f\n", shuffled ? "shuffled" : "ordered",
	    (cpu_us() - start) / (double)n);
	sqlite3_finalize(get);
	free(keys);
}

int
main(int argc, char **argv)
{
	size_t n = argc > 4 ? strtoull(argv[4], NULL, 10) : 0;

	if (n == 0)
		return 2;
	open_db(argv[2]);
	if (strcmp(argv[1], "write") == 0 && argc == 6)
		write_all(argv[3], n, strcmp(argv[5], "each") == 0);
	else {
		look(argv[3], n, false);
		look(argv[3], n, true);
		sqlite3_close(db);
	}
	return 0;
}

#else

#include <stdio.h>

int
main(void)
{
	fputs("sqlite-speed: built without SQLite\n", stderr);
	return 3;
}

#endif
