# bf: GNU make.  Everything that is made goes under $(BUILD).
#
#	make            all commands
#	make check      all tests
#	make install    PREFIX=/usr/local, DESTDIR=
#
# CFLAGS, CPPFLAGS, LDFLAGS are the user's; what the project itself needs is in
# the BF_ variables, so that setting the others breaks nothing.

VERSION = 0.1.0
BUILD   = build
PREFIX  = /usr/local
DESTDIR =
BINDIR  = $(PREFIX)/bin
MANDIR  = $(PREFIX)/share/man
DATADIR = $(PREFIX)/share/bf

CC      = gcc
AR      = ar
CFLAGS  = -O2 -g
BF_WARN = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
          -Wmissing-prototypes -Wvla -Wwrite-strings -Wformat=2
BF_HARD = -fstack-protector-strong -fPIE $(if $(findstring -O,$(CFLAGS)),-D_FORTIFY_SOURCE=2)
BF_CPPFLAGS = -Ilib -D_GNU_SOURCE -DBF_VERSION='"$(VERSION)"'
BF_CFLAGS   = -std=c11 $(BF_WARN) $(BF_HARD) $(WERROR)
BF_LDFLAGS  = -pie -Wl,-z,relro,-z,now -Wl,--as-needed

# What each command needs beside the C library; all others need nothing.
LIBS_bf-read    = -lcmark
LIBS_bf-extract = -lpcre2-8
LIBS_bf-llm     = -lzstd
LIBS_bf-mock    = -lmicrohttpd

LIB_SRC  := $(sort $(wildcard lib/*/*.c))
CMD_FILE := $(sort $(wildcard cmd/bf-*.c))
CMD_DIR  := $(sort $(patsubst %/,%,$(wildcard cmd/bf-*/)))
CMDS     := $(patsubst cmd/%.c,%,$(CMD_FILE)) $(patsubst cmd/%,%,$(CMD_DIR))
BINS     := $(CMDS:%=$(BUILD)/%)
LIB      := $(BUILD)/libbf.a
LIB_OBJ  := $(LIB_SRC:%.c=$(BUILD)/obj/%.o)
CMD_SRC  := $(CMD_FILE) $(wildcard cmd/bf-*/*.c)

UNIT_SRC := $(sort $(wildcard tests/unit/*.c))
UNIT     := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/unit/%.t)

.PHONY: all check clean
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BINS)

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(BF_CPPFLAGS) $(CPPFLAGS) $(BF_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(LIB): $(LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

# A command is one file or all the files of its folder.
define command_rule
$(BUILD)/$(1): $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard cmd/$(1).c cmd/$(1)/*.c)) $(LIB)
	$$(CC) $$(BF_LDFLAGS) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(LIBS_$(1)) $$(LDLIBS)
endef
$(foreach c,$(CMDS),$(eval $(call command_rule,$(c))))

# Unit tests are linked against all of the library.
$(BUILD)/unit/%.t: $(BUILD)/obj/tests/unit/%.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(BF_LDFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lzstd $(LDLIBS)

check: all $(UNIT)
	BUILD=$(abspath $(BUILD)) prove -j2 $(UNIT) $(sort $(wildcard tests/cmd/*.t tests/fault/*.t))

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
