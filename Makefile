# bf: GNU make.  Everything that is made goes under $(BUILD).
#
#	make            all commands
#	make check      all tests
#	make lint       style, static analysis, man pages
#	make sanitize   all tests under ASan and UBSan
#	make valgrind   unit tests and some of the commands' under valgrind
#	make bench      speeds, as ratios against other tools: a quarter of an hour
#	make soak       what takes long: half an hour, and 40 GB in $TMPDIR
#	make fuzz       each fuzz target for FUZZ_TIME seconds
#	make install    PREFIX=/usr/local, DESTDIR=; and uninstall
#	make dist       a reproducible tar.gz of the last commit
#
# CFLAGS, CPPFLAGS, LDFLAGS, LDLIBS are the user's; what the project itself
# needs is in the BF_ variables, so that setting the others breaks nothing.

VERSION = 0.1.0
BUILD   = build
PREFIX  = /usr/local
DESTDIR =
BINDIR  = $(PREFIX)/bin
MANDIR  = $(PREFIX)/share/man
DATADIR = $(PREFIX)/share/bf

ifeq ($(origin CC),default)
CC      = gcc
endif
AR      = ar
CFLAGS ?= -O2 -g
BF_WARN = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
          -Wmissing-prototypes -Wvla -Wwrite-strings -Wformat=2
# The C library's checks need an optimising compiler, and hide errors from the
# sanitizers.
OPTIMISED   = $(filter-out -O0,$(lastword $(filter -O%,$(CFLAGS))))
NO_FORTIFY  = $(findstring -fsanitize,$(CFLAGS))$(findstring _FORTIFY_SOURCE,$(CFLAGS) $(CPPFLAGS))
BF_HARD     = -fstack-protector-strong -fPIE \
              $(if $(NO_FORTIFY),,$(if $(OPTIMISED),-D_FORTIFY_SOURCE=2))
BF_CPPFLAGS = -Ilib -D_GNU_SOURCE -DBF_VERSION='"$(VERSION)"'
BF_CFLAGS   = -std=c11 -pthread $(BF_WARN) $(BF_HARD) $(WERROR)
BF_LDFLAGS  = -pthread -pie -Wl,-z,relro,-z,now -Wl,--as-needed

# What each command needs beside the C library; all others need nothing.
# tests/cmd/build.t checks it.
LIBS_bf-read    = -lcmark
LIBS_bf-chunk   = -lcmark
LIBS_bf-llm     = -lzstd
LIBS_bf-exec    = -lzstd
LIBS_bf-embed   = -lzstd
LIBS_bf-http    = -lzstd
LIBS_bf-human   = -lzstd
LIBS_bf-ledger  = -lzstd
LIBS_bf-mock    = -lmicrohttpd -lm
LIBS_bf-near    = -lm
LIBS_sqlite-speed = -lsqlite3
# What test programs may use; only what they use is linked.
LIBS_test       = -lzstd -lm

LIB_SRC  := $(sort $(wildcard lib/*/*.c))
CMD_FILE := $(sort $(wildcard cmd/bf-*.c))
CMD_DIR  := $(sort $(patsubst %/,%,$(dir $(wildcard cmd/bf-*/*.c))))
CMDS     := $(patsubst cmd/%.c,%,$(CMD_FILE)) $(patsubst cmd/%,%,$(CMD_DIR))
BINS     := $(CMDS:%=$(BUILD)/%)
LIB      := $(BUILD)/libbf.a
LIB_OBJ  := $(LIB_SRC:%.c=$(BUILD)/obj/%.o)
MAN      := $(sort $(wildcard share/man/*.[157]))
EXAMPLES := $(sort $(wildcard share/examples/*))
PROMPTS  := $(sort $(wildcard share/prompts/*))

UNIT     := $(patsubst tests/unit/%.c,$(BUILD)/unit/%.t,$(sort $(wildcard tests/unit/*.c)))
HELPER   := $(patsubst tests/cmd/%.c,$(BUILD)/tests/%,$(sort $(wildcard tests/cmd/*.c)))
PRELOAD  := tests/fault/inject.c tests/fault/record.c tests/fault/names.c
FAULT    := $(patsubst tests/fault/%.c,$(BUILD)/fault/%,$(sort $(filter-out $(PRELOAD),$(wildcard tests/fault/*.c)))) \
            $(PRELOAD:tests/fault/%.c=$(BUILD)/fault/%.so)
FUZZ     := $(patsubst tests/fuzz/%.c,%,$(sort $(filter-out %/replay.c,$(wildcard tests/fuzz/*.c))))
REPLAY   := $(FUZZ:%=$(BUILD)/fuzz/%)
BENCH    := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(sort $(wildcard tests/bench/*.c)))
SOAK     := $(sort $(wildcard tests/soak/*.t))
TESTS    := $(sort $(wildcard tests/cmd/*.t tests/fault/*.t tests/fuzz/*.t))

.PHONY: all tests check lint sanitize valgrind bench soak fuzz fuzzers install uninstall clean dist
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BINS)

# The compiler and its flags are a prerequisite like any other, but installing
# takes what was built, however it was built.
FLAGS := $(strip $(CC) $(BF_CPPFLAGS) $(CPPFLAGS) $(BF_CFLAGS) $(CFLAGS) $(BF_LDFLAGS) $(LDFLAGS) $(LDLIBS))
ifneq ($(if $(MAKECMDGOALS),$(filter-out install uninstall clean dist,$(MAKECMDGOALS)),all),)
ifneq ($(FLAGS),$(strip $(file <$(BUILD)/flags)))
$(shell mkdir -p '$(BUILD)')$(file >$(BUILD)/flags,$(FLAGS))
endif
endif
$(BUILD)/flags:
	@mkdir -p $(@D)
	$(file >$@,$(FLAGS))

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(BF_CPPFLAGS) $(CPPFLAGS) $(BF_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# It is put into the program as it stands.
$(BUILD)/obj/lib/dialects/providers.o: share/providers.json
$(BUILD)/obj/lib/price/prices.o: share/prices.json
$(BUILD)/obj/lib/schema/document.o: share/metaschemas.json
$(BUILD)/obj/cmd/bf-prompt/prompts.o: $(PROMPTS)

$(LIB): $(LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

LINK = $(CC) $(BF_LDFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^)

# A command is one file or all the files of its folder.
define command_rule
$(BUILD)/$(1): $(patsubst %.c,$(BUILD)/obj/%.o,$(sort $(wildcard cmd/$(1).c cmd/$(1)/*.c))) $(LIB) $(BUILD)/flags
	$$(LINK) $$(LIBS_$(1)) $$(LDLIBS)
endef
$(foreach c,$(CMDS),$(eval $(call command_rule,$(c))))

# Test programs may use all of the library.
$(BUILD)/unit/%.t: $(BUILD)/obj/tests/unit/%.o $(LIB)
	@mkdir -p $(@D)
	$(LINK) $(LIBS_test) $(LDLIBS)
$(BUILD)/tests/%: $(BUILD)/obj/tests/cmd/%.o $(LIB)
	@mkdir -p $(@D)
	$(LINK) $(LIBS_test) $(LDLIBS)
$(BUILD)/fault/%: $(BUILD)/obj/tests/fault/%.o $(LIB)
	@mkdir -p $(@D)
	$(LINK) $(LIBS_test) $(LDLIBS)
$(BUILD)/fault/%.so: tests/fault/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(BF_CPPFLAGS) $(CPPFLAGS) -std=c11 $(BF_WARN) $(WERROR) -O1 -g -fPIC -shared -o $@ $< -ldl
# The corpus of a fuzz target is replayed by an ordinary program.
$(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(BUILD)/obj/tests/fuzz/replay.o $(LIB)
	@mkdir -p $(@D)
	$(LINK) $(LIBS_test) $(LDLIBS)
# What a prompt's file says is read by bf-prompt.
$(BUILD)/fuzz/promptfile $(BUILD)/run/promptfile: $(BUILD)/obj/cmd/bf-prompt/promptfile.o
$(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(LIB)
	@mkdir -p $(@D)
	$(LINK) $(LIBS_test) -lcurl $(LIBS_$(*F)) $(LDLIBS)

tests: all $(UNIT) $(HELPER) $(FAULT) $(REPLAY)

PROVE = BUILD=$(abspath $(BUILD)) prove -j2

check: tests
	TMPDIR=$$(scripts/tmpdir) $(PROVE) $(UNIT) $(TESTS)

lint:
	scripts/lint

SANITIZE = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
           -fno-sanitize-recover=undefined -Wno-format-truncation
sanitize:
	$(MAKE) BUILD=$(BUILD)/asan CFLAGS='$(SANITIZE)' check

# Shell tests run the commands by way of small scripts that start valgrind.
VALGRIND       = valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite
# What flips every byte of a file takes too long there; sanitize runs it.
VALGRIND_UNIT  = $(filter-out %/ledger-damage.t,$(UNIT))
VALGRIND_TESTS = tests/cmd/bf-prompt.t tests/cmd/bf-print.t tests/cmd/hostile.t
valgrind: tests
	@rm -rf $(BUILD)/valgrind
	@mkdir -p $(BUILD)/valgrind
	@for c in $(CMDS); do \
		printf '#!/bin/sh\nexec $(VALGRIND) "%s" "$$@"\n' "$(abspath $(BUILD))/$$c" \
		    >$(BUILD)/valgrind/$$c && chmod +x $(BUILD)/valgrind/$$c || exit 1; \
	done
	$(PROVE) --exec '$(VALGRIND)' $(VALGRIND_UNIT)
	BF_VALGRIND=1 BUILD=$(abspath $(BUILD))/valgrind prove -j2 $(VALGRIND_TESTS)

# What it compares with is installed first, as far as that goes.
bench:
	@scripts/setup --bench || echo 'bench: going on with what is there'
	$(MAKE) all $(BENCH)
	BUILD=$(abspath $(BUILD)) tests/bench/run

# The same tests with larger numbers.
SOAK_LONG = $(BUILD)/unit/ledger-bulk.t $(patsubst %,$(BUILD)/unit/%.t,quota bucket budget pacing) \
            tests/fault/ledger.t tests/fault/ledger-calls.t tests/fault/power.t tests/fault/save.t \
            tests/cmd/hostile-provider.t tests/cmd/flat.t tests/cmd/bf-chunk.t tests/cmd/bf-exec.t \
            tests/fuzz/files.t
soak: tests $(BENCH)
	BF_SOAK=1 $(PROVE) $(SOAK_LONG)
	$(if $(SOAK),$(PROVE) $(SOAK))
	BUILD=$(abspath $(BUILD)) tests/bench/ledger 10000000

# New findings are kept in $(BUILD)/fuzzer/found/NAME; one worth keeping goes
# to tests/fuzz/corpus/NAME, which every "make check" replays.
FUZZ_TIME = 60
FUZZ_FLAGS = -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined \
             -fno-sanitize-recover=undefined
fuzz:
	$(MAKE) CC=clang BUILD=$(BUILD)/fuzzer CFLAGS='$(FUZZ_FLAGS)' fuzzers
	@for f in $(FUZZ); do \
		echo "fuzz: $$f, $(FUZZ_TIME) s"; \
		mkdir -p $(BUILD)/fuzzer/found/$$f && \
		$(BUILD)/fuzzer/run/$$f -max_total_time=$(FUZZ_TIME) -verbosity=0 -print_final_stats=1 \
		    -artifact_prefix=$(BUILD)/fuzzer/crash-$$f- \
		    $(BUILD)/fuzzer/found/$$f tests/fuzz/corpus/$$f || exit 1; \
	done
fuzzers: $(FUZZ:%=$(BUILD)/run/%)
$(BUILD)/run/%: $(BUILD)/obj/tests/fuzz/%.o $(LIB)
	@mkdir -p $(@D)
	$(LINK) -fsanitize=fuzzer $(LIBS_test) $(LDLIBS)

# install(1) makes the folders; only what is installed here is removed again.
install: all
	install -d $(foreach d,$(BINDIR) $(MANDIR)/man1 $(MANDIR)/man5 $(MANDIR)/man7 $(DATADIR)/examples $(DATADIR)/prompts,'$(DESTDIR)$d')
	install -m 755 $(BINS) '$(DESTDIR)$(BINDIR)'
	for m in $(MAN); do \
		install -m 644 $$m "$(DESTDIR)$(MANDIR)/man$${m##*.}" || exit 1; \
	done
	install -m 644 $(EXAMPLES) '$(DESTDIR)$(DATADIR)/examples'
	install -m 644 $(PROMPTS) '$(DESTDIR)$(DATADIR)/prompts'

uninstall:
	rm -f $(foreach c,$(CMDS),'$(DESTDIR)$(BINDIR)/$c')
	rm -f $(foreach m,$(MAN),'$(DESTDIR)$(MANDIR)/man$(patsubst .%,%,$(suffix $m))/$(notdir $m)')
	rm -f $(foreach e,$(EXAMPLES),'$(DESTDIR)$(DATADIR)/examples/$(notdir $e)')
	rm -f $(foreach p,$(PROMPTS),'$(DESTDIR)$(DATADIR)/prompts/$(notdir $p)')
	-rmdir '$(DESTDIR)$(DATADIR)/examples' '$(DESTDIR)$(DATADIR)/prompts' '$(DESTDIR)$(DATADIR)'

clean:
	rm -rf $(BUILD)

# The same bytes whoever makes it from the same commit.
DIST    = bf-$(VERSION)
DISTDIR = dist
dist:
	@mkdir -p '$(DISTDIR)'
	git -c safe.directory='$(CURDIR)' -c tar.umask=0022 archive --format=tar \
	    --prefix=$(DIST)/ HEAD >'$(DISTDIR)/$(DIST).tar'
	gzip -nf9 '$(DISTDIR)/$(DIST).tar'

ifeq ($(filter clean,$(MAKECMDGOALS)),)
-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
endif
