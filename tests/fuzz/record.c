/* Lines of a ledger: any bytes, and any members under a crc that holds. */
#include "ledger/record.h"
#include "io/hash.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_line(struct span line)
{
	static struct buf scratch;
	struct ledger_record rec;
	struct record_head h;
	struct err e;

	record_head(line, &h);
	record_crc_holds(line);
	if (ledger_record_read(line, &rec, &scratch, &e) == 0) {
		/* What was read can be written and read again. */
		struct buf again = BUF_INIT, more = BUF_INIT;
		struct ledger_record copy;
		ledger_record_write(&again, &rec);
		if (memchr(again.data, '\n', again.len) !=
			again.data + again.len - 1 ||
		    ledger_record_read(buf_span(&again), &copy, &more, &e) != 0 ||
		    !span_eq(copy.model, rec.model) || copy.time != rec.time)
			abort();
		buf_release(&again);
		buf_release(&more);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct buf line;
	struct span raw = span_of(size == 0 ? "" : (const char *)data, size),
		    rest = raw, one;
	bool whole;

	while (record_next(&rest, &one, &whole))
		read_line(one);
	buf_clear(&line);
	buf_adds(&line, "{\"v\":1,\"k\":\"00112233445566778899aabbccddeeff\",\"t\":"
			"1780000000000,\"s\":\"ok\"");
	buf_addspan(&line, raw);
	buf_addf(&line, ",\"crc\":\"%08x\"}", hash_crc32c(0, line.data, line.len));
	if (memchr(line.data, '\n', line.len) == NULL)
		read_line(buf_span(&line));
	return 0;
}
