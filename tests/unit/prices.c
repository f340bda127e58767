/* Prices from files, and what calls cost. */
#include "price/prices.h"
#include "io/fdio.h"
#include "tap.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char config[] = "/tmp/bf-prices.XXXXXX";
static struct err e;

static const char *
path_of(const char *name)
{
	static char path[100];

	snprintf(path, sizeof path, "%s/%s", config, name);
	return path;
}

/* NULL: no file. */
static void
file(const char *name, const char *text)
{
	int fd;

	(void)unlink(path_of(name));
	if (text == NULL)
		return;
	fd = open(path_of(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || fd_write(fd, text, strlen(text)) != 0)
		ok(false, "cannot write %s", name);
	close(fd);
}

/* With these as the user's file and the one that is named. */
static struct prices *
with(const char *users, const char *named)
{
	file("bf/prices.json", users);
	file("named.json", named);
	return prices_new(named == NULL ? NULL : path_of("named.json"), &e);
}

static int
get(struct prices *ps, const char *model, const char *provider, struct price *p)
{
	memset(p, 0, sizeof *p);
	return ps == NULL
		   ? -2
		   : prices_get(ps, span_str(model), span_str(provider), p, &e);
}

/* What a model's input costs in 10^-12 dollars; -1: it is not known, -2: an error.
 */
static long long
input_of(
    const char *users, const char *named, const char *model, const char *provider)
{
	struct prices *ps = with(users, named);
	struct price p;
	int rc = get(ps, model, provider, &p);

	prices_free(ps);
	return rc == 1 ? (long long)p.usual.input : rc == 0 ? -1 : -2;
}

static void
test_which(void)
{
	is_int(input_of(NULL, NULL, "gpt-4o-mini", "openai"), 150000,
	    "a model that is known");
	is_int(input_of(NULL, NULL, "gpt-4o-mini", "other"), -1,
	    "a price is not taken from another provider");
	is_int(input_of(NULL, NULL, "no-such-model", "openai"), -1,
	    "one that is not known");
	is_int(input_of("{\"gpt-4o-mini\":{\"input_cost_per_token\":1e-6}}", NULL,
		   "gpt-4o-mini", "openai"),
	    1000000, "the user's file overrides");
	is_int(input_of("{\"m\":{\"input_cost_per_token\":1e-6}}",
		   "{\"m\":{\"input_cost_per_token\":2e-6}}", "m", "any"),
	    2000000, "and the one that is named that");
	is_int(input_of("{\"m\":{\"input_cost_per_token\":1e-6}}",
		   "{\"m\":{\"mode\":\"chat\"}}", "m", "any"),
	    1000000, "what says nothing of tokens overrides nothing");
	is_int(input_of("{\"m\":{\"input_cost_per_token\":0.000001,"
			"\"litellm_provider\":\"x\"},"
			"\"y/m\":{\"input_cost_per_token\":5.46875e-07}}",
		   NULL, "m", "y"),
	    546875, "PROVIDER/MODEL goes before MODEL");
	is_int(input_of("{\"m\":{\"input_cost_per_token\":0}}", NULL, "m", "y"), 0,
	    "a price of nothing is a price");
}

static void
test_broken(void)
{
	is_int(input_of("{\"m\":", NULL, "m", "x"), -2, "a broken file");
	ok(strstr(e.text, "/bf/prices.json: not JSON: byte 5") != NULL, "%s",
	    e.text);
	is_int(input_of("[]", NULL, "m", "x"), -2, "one that is no object");
	is_int(
	    input_of("{\"m\":{\"input_cost_per_token\":\"1e-6\"}}", NULL, "m", "x"),
	    -2, "a price that is a text");
	ok(strstr(e.text, "prices.json: \"m\": \"input_cost_per_token\": not a "
			  "price of a token in US dollars") != NULL,
	    "%s", e.text);
	is_int(input_of("{\"m\":{\"output_cost_per_token\":-1}}", NULL, "m", "x"),
	    -2, "a negative one");
	is_int(input_of("{\"m\":{\"output_cost_per_token\":2}}", NULL, "m", "x"),
	    -2, "one of two dollars a token");
	ok(prices_new("/no/such/file", &e) == NULL &&
		strcmp(e.text, "/no/such/file: there is no such file") == 0,
	    "%s", e.text);
}

static void
test_costs(void)
{
	struct prices *ps = with(
	    "{\"m\":{\"input_cost_per_token\":1e-6,\"output_cost_per_token\":4e-6,"
	    "\"cache_read_input_token_cost\":1e-7,"
	    "\"cache_creation_input_token_cost\":1.25e-6,"
	    "\"input_cost_per_token_above_200k_tokens\":2e-6,"
	    "\"output_cost_per_token_above_200k_tokens\":6e-6,"
	    "\"input_cost_per_token_above_128k_tokens\":1.5e-6,"
	    "\"input_cost_per_token_batches\":5e-7,"
	    "\"input_cost_per_token_above_1hr\":5e-7},"
	    "\"r\":{\"output_cost_per_token\":4e-6,"
	    "\"output_cost_per_reasoning_token\":1e-5}}",
	    NULL);
	struct price p;

	is_int(get(ps, "m", "x", &p), 1, "a model with all prices");
	is_int(price_of(&p, &(struct price_tokens){.input = 1000, .output = 100}),
	    1400000, "input and output");
	is_int(price_of(&p, &(struct price_tokens){.input = 1000,
				.cached = 600,
				.written = 100,
				.output = 100,
				.reasoning = 90}),
	    300000 + 60000 + 125000 + 400000,
	    "what was cached and written is part of input, reasoning of output");
	is_int(price_of(&p, &(struct price_tokens){.input = 128000}), 128000000,
	    "as much as the first tier allows");
	is_int(
	    price_of(&p, &(struct price_tokens){.input = 128001, .output = 1000}),
	    192001500 + 4000000, "and more: all of it, the output as usual");
	is_int(
	    price_of(&p, &(struct price_tokens){.input = 200001, .output = 1000}),
	    400002000 + 6000000, "the next tier");
	is_int(get(ps, "r", "x", &p), 1, "a model whose reasoning is dearer");
	is_int(price_of(&p, &(struct price_tokens){.output = 100, .reasoning = 40}),
	    60 * 4000 + 40 * 10000, "costs what it says");
	is_int(price_of(&p, &(struct price_tokens){.input = 5, .cached = 9}), 0,
	    "counts that contradict each other cost no less than nothing");
	ok(price_of(&p, &(struct price_tokens){.output = INT64_MAX}) > 0,
	    "nor do absurd ones");
	prices_free(ps);
}

static void
test_amounts(void)
{
	static const struct {
		price_nano n;
		const char *exact, *rounded;
	} amounts[] = {{0, "0", "0.00"}, {1, "0.000000001", "0.000000001"},
	    {31500, "0.0000315", "0.000032"}, {9999999, "0.009999999", "0.0100"},
	    {10000000, "0.01", "0.01"}, {12500000000, "12.5", "12.50"},
	    {3000000000, "3", "3.00"}, {1994999999, "1.994999999", "1.99"},
	    {1995000000, "1.995", "2.00"}};
	struct buf b = BUF_INIT;
	price_nano n;

	for (size_t i = 0; i < sizeof amounts / sizeof amounts[0]; i++) {
		buf_clear(&b);
		price_add_usd(&b, amounts[i].n);
		is_span(buf_span(&b), span_str(amounts[i].exact), "exactly");
		ok(price_parse_usd(buf_span(&b), &n) == 0 && n == amounts[i].n,
		    "and read back");
		buf_clear(&b);
		price_add_rounded(&b, amounts[i].n);
		is_span(buf_span(&b), span_str(amounts[i].rounded), "for people");
	}
	ok(price_parse_usd(SPAN("-1"), &n) != 0, "less than nothing");
	ok(price_parse_usd(SPAN("1.0e3"), &n) == 0 && n == 1000000000000,
	    "a thousand");
	ok(price_parse_usd(SPAN("$5"), &n) != 0, "not a number");
	buf_release(&b);
}

int
main(void)
{
	if (mkdtemp(config) == NULL || mkdir(path_of("bf"), 0700) != 0)
		return 1;
	setenv("XDG_CONFIG_HOME", config, 1);
	test_which();
	test_broken();
	test_costs();
	test_amounts();
	file("bf/prices.json", NULL);
	file("named.json", NULL);
	(void)rmdir(path_of("bf"));
	(void)rmdir(config);
	return done();
}
