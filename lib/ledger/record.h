/*
 * record: what can be said of a record's line without parsing JSON.
 *
 *	{"v":1,"k":"<32 hex>","t":<ms>,"s":"ok",...,"crc":"<8 hex>"}
 *	            12              50  after t        the last 18 bytes
 */
#ifndef BF_LEDGER_RECORD_H
#define BF_LEDGER_RECORD_H

#include "ledger/ledger.h"

#define RECORD_MAX ((size_t)256 << 20) /* bytes of a line */

struct record_head {
	unsigned char key[LEDGER_KEY_SIZE];
	int64_t time;
	enum ledger_status status;
};

/* From the fixed offsets; the crc is not looked at. 0, or -1 if it is no record. */
int record_head(struct span line, struct record_head *h);

static inline struct record_head
record_head_of(const struct ledger_record *rec)
{
	struct record_head h = {.time = rec->time, .status = rec->status};

	memcpy(h.key, rec->key, sizeof(h.key));
	return h;
}

/* Whether the crc at the end is that of the line (given without its newline). */
bool record_crc_holds(struct span line);

/* Whether a line whose crc holds is JSON: 0, or -1 and e. */
int record_check(struct span line, struct err *e);

/*
 * The rest of a line whose head is known and that has been checked, as
 * ledger_record_read() has it.
 */
void record_parse(struct span line, const struct record_head *h,
    struct ledger_record *rec, struct buf *scratch);

/* The same for the same line, different for any other, as far as 64 bits go. */
uint64_t record_mark(struct span line, const struct record_head *h);

/*
 * The lines of a text: true and the next one without its newline.  A last
 * piece that has no newline is a line too: *whole is false for it.
 */
bool record_next(struct span *text, struct span *line, bool *whole);

#endif
