#include "io/hashset.h"

#include "io/rng.h"
#include "tap.h"

enum { MANY = 100000 };

/* The nth of a sequence of hashes that do not repeat. */
static void
nth(uint64_t n, size_t width, unsigned char *hash)
{
	struct rng rng;

	rng_seed(&rng, n);
	for (size_t i = 0; i < width; i += 8) {
		uint64_t v = rng_next(&rng);
		memcpy(hash + i, &v, 8);
	}
}

static void
test_many(size_t width)
{
	struct hashset s = HASHSET_INIT(width);
	unsigned char hash[32];
	size_t new = 0, again = 0, had = 0, strange = 0;

	nth(0, width, hash);
	ok(!hashset_has(&s, hash), "%zu bytes: an empty set has none", width);
	for (uint64_t i = 0; i < MANY; i++) {
		nth(i, width, hash);
		new += hashset_add(&s, hash);
		nth(i / 2, width, hash);
		again += hashset_add(&s, hash);
	}
	for (uint64_t i = 0; i < MANY; i++) {
		nth(i, width, hash);
		had += hashset_has(&s, hash);
		nth(MANY + i, width, hash);
		strange += hashset_has(&s, hash);
	}
	is_int((long long)new, MANY, "each is new once");
	is_int((long long)again, 0, "and not again");
	is_int((long long)s.n, MANY, "so many are counted");
	is_int((long long)had, MANY, "all of them are in it");
	is_int((long long)strange, 0, "and no others");
	ok(s.size >= MANY && s.size < MANY * 18 / 10, "more than half full");
	hashset_release(&s);
	ok(!hashset_has(&s, hash) && hashset_add(&s, hash),
	    "once more from nothing");
	hashset_release(&s);
}

/* Bytes that may be anything: a set of slots must not take these for free ones. */
static void
test_zeros(void)
{
	struct hashset s = HASHSET_INIT(16);
	unsigned char zero[16] = {0}, first[16] = {1}, last[16] = {0};

	last[15] = 1;
	ok(!hashset_has(&s, zero), "the hash of zeros is not in an empty set");
	ok(hashset_add(&s, zero) && hashset_has(&s, zero), "then it is");
	ok(!hashset_add(&s, zero), "once");
	ok(!hashset_has(&s, first) && !hashset_has(&s, last), "others are not");
	ok(hashset_add(&s, first) && hashset_add(&s, last) &&
		!hashset_add(&s, first) && !hashset_add(&s, last),
	    "nearly zero");
	hashset_clear(&s);
	ok(!hashset_has(&s, zero) && !hashset_has(&s, first) &&
		hashset_add(&s, last) && hashset_add(&s, zero),
	    "cleared, it is empty");
	hashset_release(&s);
}

int
main(void)
{
	test_many(8);
	test_many(16);
	test_zeros();
	return done();
}
