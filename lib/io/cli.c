#include "io/cli.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/msg.h"
#include "io/fdio.h"
#include "io/num.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* What getopt_long(3) needs, made from the table; lives until the last option was
 * read. */
struct tables {
	struct option *longs;
	char *shorts;
	char name[80];
	bool runs; /* options end at the first operand */
};

static int
argument_kind(const struct cli_option *o)
{
	if (o->arg == NULL)
		return no_argument;
	return o->arg[0] == '[' ? optional_argument : required_argument;
}

static struct tables *
make_tables(const struct cli_option *options)
{
	struct tables *t = mem_zero(1, sizeof(*t));
	size_t n = 0, nlong = 0;
	char *s;

	while (options[n].key != 0)
		n++;
	t->longs = mem_zero(n + 1, sizeof(*t->longs));
	/* ':' first: a missing argument is told apart; then letter and up to "::".
	 */
	s = t->shorts = mem_alloc(3 * n + 3);
	*s++ = '-'; /* passed over, unless it becomes '+' */
	*s++ = ':';
	for (const struct cli_option *o = options; o->key != 0; o++) {
		int kind = argument_kind(o);

		if (o->name != NULL)
			t->longs[nlong++] = (struct option){
			    o->name, kind, NULL, o->key};
		if (o->key < CLI_FIRST) {
			*s++ = (char)o->key;
			for (int i = 0; i < kind; i++)
				*s++ = ':';
		}
	}
	*s = '\0';
	return t;
}

void
cli_start(struct cli *c, const struct cli_command *command, int argc, char **argv)
{
	msg_init(command->name);
	fd_open_std();
	signal(SIGPIPE, SIG_DFL);
	*c = (struct cli){
	    .command = command,
	    .argc = argc,
	    .argv = argv,
	    .max_line = CLI_MAX_LINE_DEFAULT,
	    .priv = make_tables(command->options),
	};
	optind = 0; /* glibc: begin anew, forgetting an earlier argv */
	opterr = 0;
}

void
cli_runs_command(struct cli *c)
{
	struct tables *t = c->priv;

	t->shorts[0] = '+';
	t->runs = true;
}

static const struct cli_option *
find_key(const struct cli *c, int key)
{
	const struct cli_option *o;

	for (o = c->command->options; o->key != 0; o++)
		if (o->key == key)
			return o;
	return NULL;
}

/* Left column of the help: "-n, --number N". */
static void
add_left(struct buf *b, const struct cli_option *o)
{
	if (o->key < CLI_FIRST)
		buf_addf(b, "  -%c", o->key);
	else
		buf_adds(b, "    ");
	if (o->name != NULL)
		buf_addf(b, "%s--%s", o->key < CLI_FIRST ? ", " : "  ", o->name);
	if (o->arg == NULL)
		return;
	/* An optional argument must be attached to its option. */
	if (o->arg[0] == '[')
		buf_addf(b, "%s%.*s]",
		    o->name == NULL ? "[" : "[=", (int)strcspn(o->arg + 1, "]"),
		    o->arg + 1);
	else
		buf_addf(b, " %s", o->arg);
}

static _Noreturn void
print_and_exit(const struct buf *b)
{
	struct err e = ERR_INIT;

	if (fd_write(STDOUT_FILENO, b->data, b->len) < 0) {
		err_sys(&e, "standard output");
		msg_die(STATUS_CANNOT, "%s", e.text);
	}
	exit(STATUS_OK);
}

static _Noreturn void
help(const struct cli_command *cmd)
{
	struct buf b = BUF_INIT;
	size_t width = 0;

	buf_addf(&b, "usage: %s %s\n%s\n\n", cmd->name, cmd->synopsis, cmd->about);
	for (const struct cli_option *o = cmd->options; o->key != 0; o++) {
		size_t start = b.len;

		add_left(&b, o);
		if (b.len - start > width)
			width = b.len - start;
		b.len = start;
	}
	for (const struct cli_option *o = cmd->options; o->key != 0; o++) {
		size_t start = b.len;

		add_left(&b, o);
		buf_addf(
		    &b, "%*s  %s\n", (int)(width - (b.len - start)), "", o->help);
	}
	print_and_exit(&b);
}

static _Noreturn void
version(const struct cli_command *cmd)
{
	struct buf b = BUF_INIT;

	buf_addf(&b, "%s %s\n", cmd->name, BF_VERSION);
	print_and_exit(&b);
}

/* argv as getopt_long() left it when it met a long option it does not like. */
static _Noreturn void
bad_long(const struct cli *c, const char *written)
{
	int len = (int)strcspn(written, "=");
	int matches = 0;

	for (const struct cli_option *o = c->command->options; o->key != 0; o++)
		matches += o->name != NULL &&
			   strncmp(o->name, written + 2, (size_t)len - 2) == 0;
	if (matches > 1)
		cli_usage(c, "ambiguous option '%.*s'", len, written);
	cli_usage(c, "unknown option '%.*s'", len, written);
}

static _Noreturn void
bad_option(const struct cli *c, int result)
{
	const struct cli_option *o = find_key(c, optopt);
	const char *written = c->argv[optind - 1];

	if (optopt == 0)
		bad_long(c, written);
	if (o == NULL)
		cli_usage(c, "unknown option '-%c'", optopt);
	if (result == '?')
		cli_usage(c, "option '--%s' takes no argument", o->name);
	if (strncmp(written, "--", 2) == 0 || o->key >= CLI_FIRST)
		cli_usage(
		    c, "option '--%s' needs an argument (%s)", o->name, o->arg);
	cli_usage(c, "option '-%c' needs an argument (%s)", o->key, o->arg);
}

/* Nothing after the last option needs them. */
static void
free_tables(struct cli *c)
{
	struct tables *t = c->priv;

	free(t->longs);
	free(t->shorts);
	free(t);
	c->priv = NULL;
}

static int
next_option(struct cli *c)
{
	struct tables *t = c->priv;
	int which = -1, key;

	if (t == NULL)
		return CLI_DONE;
	key = getopt_long(c->argc, c->argv, t->shorts + !t->runs, t->longs, &which);
	if (key == -1) {
		c->arg = c->name = NULL;
		c->operands = c->argv + optind;
		c->noperands = c->argc - optind;
		free_tables(c);
		return CLI_DONE;
	}
	if (key == '?' || key == ':')
		bad_option(c, key);
	if (which >= 0)
		snprintf(t->name, sizeof(t->name), "--%s", t->longs[which].name);
	else
		snprintf(t->name, sizeof(t->name), "-%c", key);
	c->arg = optarg;
	c->name = t->name;
	return key;
}

int
cli_next(struct cli *c)
{
	int key;

	for (;;) {
		switch (key = next_option(c)) {
		case 'h':
			help(c->command);
		case 'V':
			version(c->command);
		case 'q':
			msg_set_level(MSG_QUIET);
			break;
		case 'v':
			msg_set_level(MSG_VERBOSE);
			break;
		case CLI_KEEP_GOING:
			c->keep_going = true;
			break;
		case CLI_MAX_LINE:
			c->max_line = cli_size(c);
			if (c->max_line == 0)
				cli_usage(c, "%s must be at least 1", c->name);
			break;
		default:
			return key;
		}
	}
}

static _Noreturn void
bad_argument(const struct cli *c, const char *wanted)
{
	cli_usage(c, "%s wants %s, not '%s'", c->name, wanted, c->arg);
}

uint64_t
cli_u64(const struct cli *c)
{
	uint64_t v;

	if (num_u64(span_str(c->arg), &v) < 0)
		bad_argument(c, "a whole number");
	return v;
}

uint64_t
cli_count(const struct cli *c, uint64_t most)
{
	uint64_t n = cli_u64(c);

	if (n < 1 || n > most)
		cli_usage(c, "%s takes a number from 1 to %llu", c->name,
		    (unsigned long long)most);
	return n;
}

int64_t
cli_time(const struct cli *c)
{
	int64_t us = cli_duration(c);

	if (us <= 0)
		cli_usage(c, "%s takes a time longer than none", c->name);
	return us;
}

uint64_t
cli_size(const struct cli *c)
{
	uint64_t v;

	if (num_size(span_str(c->arg), &v) < 0)
		bad_argument(c, "a size such as 64K, 256M or 2G");
	return v;
}

int64_t
cli_duration(const struct cli *c)
{
	int64_t v;

	if (num_duration(span_str(c->arg), &v) < 0)
		bad_argument(c, "a duration such as 500ms, 30s or 2h");
	return v;
}

double
cli_fraction(const struct cli *c)
{
	double v;

	if (num_fraction(span_str(c->arg), &v) < 0)
		bad_argument(c, "a fraction from 0 to 1, such as 0.05 or 5%");
	return v;
}

void
cli_usage(const struct cli *c, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	msg_die(
	    STATUS_CANNOT, "%s (see %s --help)", buf_cstr(&b), c->command->name);
}
