# ntsagent: GNU make. `make help` lists the targets.

VERSION  := 0.1.0
PREFIX   ?= /usr/local
SBINDIR  ?= $(PREFIX)/sbin
BINDIR   ?= $(PREFIX)/bin
MANDIR   ?= $(PREFIX)/share/man
CONFDIR  ?= /etc/ntsagent
UNITDIR  ?= $(PREFIX)/lib/systemd/system

CC       ?= cc
PKG_CONFIG ?= pkg-config
CFLAGS   ?= -O2 -g
V        ?= 0
Q        := $(if $(filter 1,$(V)),,@)

ifdef FUZZ
B        ?= build-fuzz
SANFLAGS := -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=all -fno-omit-frame-pointer
else ifdef SAN
B        ?= build-san
SANFLAGS := -fsanitize=address,undefined,float-cast-overflow \
	-fno-sanitize-recover=all -fno-omit-frame-pointer
else
B        ?= build
HARDEN   := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
HARDENLD := -pie -Wl,-z,relro,-z,now
endif

WARN := -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion \
	-Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum -Wcast-qual \
	-Wwrite-strings -Wvla -Wformat=2 -Wundef $(if $(WERROR),-Werror)

PKGS     := libcrypto libssl libcap-ng inih jansson
PKGFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS))
PKGLIBS  := $(shell $(PKG_CONFIG) --libs $(PKGS))
ALL_CFLAGS := -std=c11 -D_GNU_SOURCE -DNTSAGENT_VERSION='"$(VERSION)"' \
	-DNTSAGENT_CONFDIR='"$(CONFDIR)"' -I. \
	$(WARN) $(HARDEN) $(SANFLAGS) $(PKGFLAGS) $(CFLAGS) -MMD -MP
ALL_LDFLAGS := $(HARDENLD) $(SANFLAGS) $(LDFLAGS)

# One archive a folder, in the order of linking: a folder that leans upward does
# not link. tests/floors has the finer table of what may include what.
ROOMS := agent/launch agent/loop agent/keeper agent/host agent/query \
	agent/engine agent/source agent/saved agent/link agent/config \
	resolver resolver/certificate nts \
	clock/steering clock/filter clock/kernel clock base
CTL_ROOMS := agent/ctl agent/ctl/report agent/ctl/print agent/ctl/snapshot base
PROGRAM_MAINS := agent/main.c agent/ctl/main.c

# ROOM -> its archive, its sources, and the rooms from it downward.
archive_of = $B/lib/$(subst /,-,$(1)).a
sources_of = $(filter-out $(PROGRAM_MAINS),$(wildcard $(1)/*.c))
from = $(if $(filter $(1),$(firstword $(2))),$(2),\
	$(call from,$(1),$(wordlist 2,$(words $(2)),$(2))))
below = $(call from,$(1),$(if $(filter agent/ctl%,$(1)),$(CTL_ROOMS),$(ROOMS)))
archives_below = $(foreach r,$(call below,$(1)),$(call archive_of,$r))

ALL_ROOMS    := $(ROOMS) $(filter-out base,$(CTL_ROOMS))
SRC_server   := $(wildcard tests/server/*.c)
SRC_sim      := $(wildcard tests/sim/*.c)
SRC_unit     := $(foreach r,$(ALL_ROOMS),$(wildcard tests/unit/$r/*_test.c))
SRC_fuzz     := $(wildcard tests/fuzz/*_fuzz.c)

LIBS     := $(foreach r,$(ROOMS),$(call archive_of,$r))
PROGRAMS := $B/ntsagentd $B/ntsctl
UNIT     := $(SRC_unit:%.c=$B/%)

FUZZERS  := $(SRC_fuzz:%.c=$B/%)
KERNEL   := $(addprefix $B/tests/kernel/,kclock timeofday xstate_probe \
	full_xstate.so short_xstate.so pausable.so)
REAL     := $(addprefix $B/tests/bench/,relay no_stamps.so)
SIM      := $B/tests/sim/sim
SERVER   := $B/tests/server/ntsserver

.PHONY: all help check check-unit check-faults check-lab check-kernel fuzz \
	fuzz-run bench bench-sim bench-real lint format install clean mutate print-archives FORCE
.SECONDARY:

all: $(PROGRAMS)

help:
	@echo 'make            build ntsagentd and ntsctl into $B/'
	@echo 'make check      everything that needs no root and no network but loopback'
	@echo 'make check SAN=1  the same with address and undefined-behaviour sanitizers'
	@echo 'make check-faults  every fault of a server or a path, on the loopback'
	@echo 'make check-lab  (root) real servers in network namespaces'
	@echo 'make check-kernel (root) a real kernel clock in a virtual machine'
	@echo 'make fuzz       libFuzzer targets, FUZZ_SECONDS each (60)'
	@echo 'make bench      accuracy next to chronyd: CLKNETSIM_PATH=DIR CHRONYD=FILE'
	@echo 'make bench-sim  the long rows of our own simulator'
	@echo 'make bench-real (root) the agent and chronyd on a real network stack, at once'
	@echo 'make mutate     breaks the code on purpose; MUTATE="-n 20 nts" narrows it'
	@echo 'make lint       formatting, floors, manuals, static checkers, shell'
	@echo 'make install    with DESTDIR, PREFIX, CONFDIR'

# A changed compiler or flag rebuilds everything.
FLAGS_NOW := $(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS)
$B/flags: FORCE
	@mkdir -p $B
	@echo '$(subst ','\'',$(FLAGS_NOW))' | cmp -s - $@ || \
		echo '$(subst ','\'',$(FLAGS_NOW))' > $@
FORCE:

$B/%.o: %.c $B/flags
	@mkdir -p $(@D)
	@$(if $(filter 0,$(V)),echo '  CC   $<')
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

# A source file that is gone leaves the archive, too.
define archive
$(call archive_of,$(1)): $(patsubst %.c,$B/%.o,$(call sources_of,$(1))) \
		$B/lib/$(subst /,-,$(1)).list
	@rm -f $$@
	$$(Q)$$(AR) rcs $$@ $$(filter %.o,$$^)
$B/lib/$(subst /,-,$(1)).list: FORCE
	@mkdir -p $$(@D)
	@echo '$(call sources_of,$(1))' | cmp -s - $$@ || \
		echo '$(call sources_of,$(1))' > $$@
endef
$(foreach r,$(ALL_ROOMS),$(eval $(call archive,$r)))

# The world of the engine serves the tests of three rooms; those of agent/query
# read what they write with ntsctl's own parser and reports.
WORLD := $B/tests/unit/agent/engine/world.o
WORLD_ROOMS := agent/engine agent/query agent/loop
OF_CTL = $(filter-out %/base.a,$(call archives_below,agent/ctl/report))

# For tests/mutate: each room with all that its unit tests link.
print-archives:
	@$(foreach r,$(ALL_ROOMS),echo '$r: $(strip \
		$(if $(filter $r,$(WORLD_ROOMS)),$(WORLD)) \
		$(if $(filter agent/query,$r),$(OF_CTL)) \
		$(call archives_below,$r))';)

LINK = @$(if $(filter 0,$(V)),echo '  LD   $@';) \
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) \
	$(PKGLIBS) -lm $(EXTRA_LIBS)

$B/ntsagentd: $B/agent/main.o $(LIBS)
	$(LINK)
$B/ntsctl: $B/agent/ctl/main.o $(call archives_below,agent/ctl)
	$(LINK)
$(SERVER): $(SRC_server:%.c=$B/%.o) $(foreach r,nts base,$(call archive_of,$r))
	$(LINK)
$(SIM): $(SRC_sim:%.c=$B/%.o) $(LIBS)
	$(LINK)

# A unit test links its own room and those below it.
define unit_rule
$B/tests/unit/$(1)/%_test: $B/tests/unit/$(1)/%_test.o \
		$(call archives_below,$(1))
	$$(LINK)
endef
$(foreach r,$(ALL_ROOMS),$(eval $(call unit_rule,$r)))

$(filter $B/tests/unit/agent/query/%,$(UNIT)): $(OF_CTL)
$B/tests/unit/%_test: EXTRA_LIBS = -lcmocka

# A fuzz target links libFuzzer, or a main that replays stored inputs.
ifdef FUZZ
$B/tests/fuzz/%_fuzz: EXTRA_LIBS = -fsanitize=fuzzer
$B/tests/fuzz/%_fuzz: $B/tests/fuzz/%_fuzz.o $(LIBS)
	$(LINK)
else
$B/tests/fuzz/%_fuzz: $B/tests/fuzz/%_fuzz.o $B/tests/fuzz/replay.o $(LIBS)
	$(LINK)
endif

$B/tests/%.so: tests/%.c
	@mkdir -p $(@D)
	@$(if $(filter 0,$(V)),echo '  LD   $@';) \
	$(CC) $(WARN) -D_GNU_SOURCE -O2 -fPIC -shared -o $@ $<

$B/tests/kernel/%: $B/tests/kernel/%.o
	$(LINK)

$B/tests/bench/relay: $B/tests/bench/relay.o
	$(LINK)

# `make check-unit UNIT_DIR=nts` runs one floor's tests.
UNIT_DIR ?=
UNIT_RUN := $(if $(UNIT_DIR),$(filter $B/tests/unit/$(UNIT_DIR)/%,$(UNIT)),$(UNIT))
check-unit: $(UNIT_RUN)
	@tests/run-unit $(UNIT_RUN)

$(filter $(WORLD_ROOMS:%=$B/tests/unit/%/%),$(UNIT)): $(WORLD)

# Everything that needs no root and no network but loopback.
check: all $(UNIT) $(FUZZERS) $(SIM) $(SERVER)
	@tests/total 'unit=tests/run-unit $(UNIT)' 'floors=tests/floors' \
		'fuzz corpora=tests/fuzz/run $(FUZZERS)' 'simulation=tests/run-sim $(SIM)' \
		'example=tests/example $B' \
		'loopback=tests/loopback $B' 'restart=tests/restart $B' \
		'faults=tests/faults/run $B'

check-faults: all $(SERVER)
	@tests/faults/run $B

check-lab: all $(SERVER)
	@tests/lab/run $B

check-kernel: all $(KERNEL) $(SERVER)
	@tests/total 'register state=tests/kernel/xstate $B' \
		'kernel clock=tests/kernel/run $B' \
		'wrong clock=tests/kernel/wrongclock $B' \
		'disturbed clock=tests/kernel/disturbed $B' \
		'leap second=tests/kernel/leap $B'

# Objects for libFuzzer are built next to the others.
FUZZ_SECONDS ?= 60
fuzz:
	@$(MAKE) --no-print-directory FUZZ=1 CC=clang B=build-fuzz fuzz-run
fuzz-run: $(FUZZERS)
	@for f in $(FUZZERS); do \
		name=$$(basename $$f _fuzz); \
		new=$B/corpus/$$name; mkdir -p $$new; \
		echo "== $$name"; \
		$$f -max_total_time=$(FUZZ_SECONDS) -verbosity=0 \
			-print_final_stats=1 -artifact_prefix=$B/$$name- \
			$$new tests/fuzz/corpus/$$name || exit 1; \
	done

# CLKNETSIM_PATH and CHRONYD come from the environment or the command line;
# BENCH_SEEDS, BENCH_ROWS ("lan-* four-*") and BENCH_CLIENT narrow it.
BENCH_SEEDS ?= 10
BENCH_ROWS ?=
export CLKNETSIM_PATH CHRONYD
BENCH_CLIENT ?=
bench: $B/ntsagentd $B/tests/bench/shown_errors.so
	@mkdir -p $B/bench
	@tests/bench/bench -s $(BENCH_SEEDS) $(BENCH_CLIENT:%=-c %) \
		-p $B/tests/bench/shown_errors.so $B/ntsagentd $B/bench \
		$(BENCH_ROWS)

# The long rows of our own simulator, without a rival.
bench-sim: $(SIM)
	@$(SIM) --bench

# Both clients at the same moment, in network namespaces; needs root and CHRONYD.
# REAL_OPTIONS="--quick 'idle*' 'shaper*'" narrows it (tests/bench/real --help).
REAL_OPTIONS ?=
bench-real: all $(REAL)
	@tests/bench/real --build $B $(REAL_OPTIONS)

# Lists the changes of the code that no unit test notices.
MUTATE ?=
mutate:
	@tests/mutate $(MUTATE)

lint: all
	@tests/lint $B

format:
	clang-format -i $$(find agent base clock nts resolver tests -name '*.[ch]')

# Never overwrites a configuration: the new example lies next to it.
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHCOMPDIR  ?= $(PREFIX)/share/zsh/site-functions
CONF        := $(DESTDIR)$(CONFDIR)/ntsagent.conf
install: all
	@# Not readable, so that no other process of its user can attach to a child
	@# that has just been executed (agent/launch/README.md).
	install -D -m 711 $B/ntsagentd $(DESTDIR)$(SBINDIR)/ntsagentd
	install -D -m 755 $B/ntsctl $(DESTDIR)$(BINDIR)/ntsctl
	for page in man/*.[0-9]; do \
		install -D -m 644 -t $(DESTDIR)$(MANDIR)/man$${page##*.} $$page; \
	done
	install -d $(DESTDIR)$(UNITDIR)
	for unit in etc/systemd/*; do \
		sed -e 's|/usr/sbin/|$(SBINDIR)/|' -e 's|/usr/bin/|$(BINDIR)/|' \
			$$unit | install -m 644 /dev/stdin \
			$(DESTDIR)$(UNITDIR)/$${unit##*/}; \
	done
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/sysusers.d etc/sysusers.d/*
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/tmpfiles.d etc/tmpfiles.d/*
	install -D -m 644 etc/completions/ntsctl.bash $(DESTDIR)$(BASHCOMPDIR)/ntsctl
	install -D -m 644 etc/completions/_ntsctl $(DESTDIR)$(ZSHCOMPDIR)/_ntsctl
	install -d $(DESTDIR)$(CONFDIR)/conf.d
	@if [ ! -e $(CONF) ]; then \
		echo install -m 644 etc/ntsagent.conf $(CONF); \
		install -m 644 etc/ntsagent.conf $(CONF); \
	elif ! cmp -s etc/ntsagent.conf $(CONF); then \
		install -m 644 etc/ntsagent.conf $(CONF).new; \
		echo '$(CONF) is yours and stays; the new example is $(CONF).new'; \
	fi

-include $(shell find $B -name '*.d' 2>/dev/null)

clean:
	rm -rf build build-san build-fuzz build-cov
