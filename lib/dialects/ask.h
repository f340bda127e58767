/*
 * ask: a request in the OpenAI form, taken apart for those dialects that say it
 * in other words.
 *
 * Whatever is not understood here is refused, never passed over: struct ask
 * carries where the reasons go.  Functions that return int return 0, or -1 and
 * ask->e; iterating ones 1 for each, 0 at the end, -1.  Spans are of the body, or
 * of scratch of the iterator until its next step.
 */
#ifndef BF_DIALECTS_ASK_H
#define BF_DIALECTS_ASK_H

#include "dialects/reply.h"

struct ask {
	struct buf *out;
	const char *dialect;
	bool lenient;
	struct buf *dropped;
	struct err *e;
};

/*
 * The dialect cannot say that field of the request; why: "has nothing like it",
 * "takes 0 to 1".  0 where the field is left out instead, else -1.
 */
int ask_cannot(struct ask *a, const char *why, const char *field, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for what cannot be left out, or is no proper request: -1. */
int ask_refuse(struct ask *a, const char *why, const char *field, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- the body's members ---- */

enum ask_field {
	ASK_MESSAGES,
	ASK_MAX_COMPLETION_TOKENS,
	ASK_MAX_TOKENS,
	ASK_TEMPERATURE,
	ASK_TOP_P,
	ASK_TOP_K,
	ASK_STOP,
	ASK_SEED,
	ASK_FREQUENCY_PENALTY,
	ASK_PRESENCE_PENALTY,
	ASK_LOGPROBS,
	ASK_TOP_LOGPROBS,
	ASK_TOOLS,
	ASK_TOOL_CHOICE,
	ASK_PARALLEL_TOOL_CALLS,
	ASK_REASONING_EFFORT,
	ASK_RESPONSE_FORMAT,
	ASK_VERBOSITY,
	/* no part of OpenAI's: a dialect's own, taken as they are */
	ASK_THINKING,
	ASK_THINKING_CONFIG,
	ASK_SAFETY_SETTINGS,
	/* how it is carried; a dialect that has them passes them on */
	ASK_STORE,
	ASK_METADATA,
	ASK_USER,
	ASK_SAFETY_IDENTIFIER,
	ASK_SERVICE_TIER,
	ASK_PROMPT_CACHE_KEY,
	ASK_PROMPT_CACHE_RETENTION,
	ASK_FIELDS
};

#define ASK_BIT(field) (UINT64_C(1) << (field))

/*
 * The members that are there and say something, their types checked.  can: those
 * that the dialect can say, one ASK_BIT() each; the others are refused or left
 * out.
 */
int ask_members(struct ask *a, struct span body, uint64_t can,
    struct span in[ASK_FIELDS]);

/* Appends ",NAME:VALUE" where the value is there. */
void ask_add(struct ask *a, const char *name, struct span value);
/* The same as an array: a string is one of one. */
void ask_add_list(struct ask *a, const char *name, struct span value);
/* The same as an object of members that ask_add() has put there; none: nothing. */
void ask_add_object(struct ask *a, const char *name, const struct buf *members);

/* The most tokens that may be answered; none: it is not said. */
static inline struct span
ask_most(const struct span in[ASK_FIELDS])
{
	return in[ASK_MAX_COMPLETION_TOKENS].p != NULL
		   ? in[ASK_MAX_COMPLETION_TOKENS]
		   : in[ASK_MAX_TOKENS];
}

/* For what is gone through a second time: what is left out was told, and goes to told. */
static inline struct ask
ask_again(const struct ask *a, struct buf *told)
{
	struct ask again = *a;

	again.dropped = told;
	return again;
}

/* ---- messages ---- */

enum ask_role { ASK_SYSTEM, ASK_USER_ROLE, ASK_ASSISTANT, ASK_TOOL };

struct ask_message {
	size_t at; /* its number */
	enum ask_role role;
	struct span role_word;   /* as it is written */
	struct span content;     /* a string, an array, or none */
	struct span refusal;     /* a string, or none */
	struct span tool_calls;  /* an array that is not empty, or none */
	struct span tool_call_id;
};

struct ask_messages {
	struct json_iter it;
	size_t n;
};
struct ask_messages ask_messages(struct span messages);
int ask_message(struct ask *a, struct ask_messages *ms, struct ask_message *m);

enum ask_part_type { ASK_TEXT, ASK_IMAGE, ASK_FILE, ASK_AUDIO };

/* A part of a message's content: text, or data, or a URL. */
struct ask_part {
	enum ask_part_type type;
	struct span text;  /* a JSON string */
	struct span media; /* "image/png": text; with data */
	struct span data;  /* base64: text */
	struct span url;   /* text: http or https */
	struct span raw_url;  /* a JSON string: data: and the like too */
	struct span detail;   /* of an image: a JSON string, or none */
	struct span filename; /* of a file: a JSON string, or none */
	struct span cache_control; /* an object, or none */
};

/* The parts of a content; a string is one of text. */
struct ask_parts {
	size_t message;
	struct span whole;
	struct json_iter it;
	size_t n;
	struct buf scratch;
};
struct ask_parts ask_parts(const struct ask_message *m);
int ask_part(struct ask *a, struct ask_parts *ps, struct ask_part *p);
void ask_parts_release(struct ask_parts *ps);

static inline bool
ask_is_empty(const struct ask_part *p)
{
	return p->type == ASK_TEXT && p->text.n == 2;
}

/* The text of all its parts, which are to be of text, as one JSON string. */
int ask_text(struct ask *a, const struct ask_message *m, struct joined *text);

struct ask_call {
	struct span id;        /* JSON strings */
	struct span name;
	struct span arguments; /* as it is: a string */
	struct span object;    /* what it holds: an object */
	struct span extra;     /* "extra_content": an object, or none */
};

struct ask_calls {
	size_t message;
	struct json_iter it;
	size_t n;
	struct buf scratch, text;
};
struct ask_calls ask_calls(const struct ask_message *m);
int ask_call(struct ask *a, struct ask_calls *cs, struct ask_call *c);
void ask_calls_release(struct ask_calls *cs);

/*
 * A conversation of turns: without the messages of the system, those of one role
 * in a row as one, [{"role":ROLE,PARTS:[...]},...].
 */
struct ask_turns {
	const char *parts; /* what the array of parts is called */
	struct span messages;
	const char *role; /* of the turn that is being written; NULL: none yet */
};
/* Before each part: begins a turn, where it is not of the role of the last. */
void ask_turn(struct ask *a, struct ask_turns *t, const char *role);

typedef int ask_says(
    struct ask *a, struct ask_turns *t, const struct ask_message *m);
/* Appends it; each message goes to the function of its role. */
int ask_conversation(struct ask *a, struct ask_turns *t, ask_says *user,
    ask_says *assistant, ask_says *tool);

/* ---- tools ---- */

struct ask_tool {
	struct span name;        /* a JSON string */
	struct span description; /* the same, or none */
	struct span parameters;  /* an object, or none */
	bool strict;
	struct span cache_control;
};
struct ask_tools {
	struct json_iter it;
	size_t n;
};
struct ask_tools ask_tools(struct span tools);
int ask_tool(struct ask *a, struct ask_tools *ts, struct ask_tool *t);

enum ask_choice {
	ASK_CHOICE_ABSENT,
	ASK_CHOICE_AUTO,
	ASK_CHOICE_NONE,
	ASK_CHOICE_REQUIRED,
	ASK_CHOICE_ONE, /* the tool of that name */
};
int ask_tool_choice(struct ask *a, struct span value, enum ask_choice *choice,
    struct span *name);

/* ---- the answer's format ---- */

struct ask_format {
	enum { ASK_PLAIN, ASK_JSON_OBJECT, ASK_JSON_SCHEMA } type;
	struct span schema; /* an object */
	struct span name;   /* a JSON string */
	struct span description, strict; /* or none */
};
int ask_format(struct ask *a, struct span value, struct ask_format *f);

#endif
