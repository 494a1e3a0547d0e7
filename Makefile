# ntsagent: GNU make. `make help` lists the targets.

# The one place of the version (semver.org). etc/packaging/NEWS begins with it.
VERSION  := 0.1.0
PREFIX   ?= /usr/local
SBINDIR  ?= $(PREFIX)/sbin
BINDIR   ?= $(PREFIX)/bin
MANDIR   ?= $(PREFIX)/share/man
CONFDIR  ?= /etc/ntsagent
LIBEXECDIR ?= $(PREFIX)/libexec/ntsagent
UNITDIR  ?= $(PREFIX)/lib/systemd/system
NTPUNITDIR ?= $(PREFIX)/lib/systemd/ntp-units.d
PRESETDIR ?= $(PREFIX)/lib/systemd/system-preset
LOGROTATEDIR ?= /etc/logrotate.d

CC       ?= cc
PKG_CONFIG ?= pkg-config
CFLAGS   ?= -O2 -g
V        ?= 0
Q        := $(if $(filter 1,$(V)),,@)

comma := ,
# The flags of the argument, if the compiler knows them together with those of
# the user, which come later and win.
if_known = $(shell echo 'int main(void) { return 0; }' | $(CC) -Werror \
	-include stdlib.h $(1) $(CPPFLAGS) $(CFLAGS) -x c -c -o /dev/null - \
	2>/dev/null && echo '$(1)')

# The same of the linker.
if_linked = $(shell echo 'int main(void) { return 0; }' | $(CC) \
	-Wl,--fatal-warnings $(1) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -x c \
	-o /dev/null - 2>/dev/null && echo '$(1)')

# What makes a fault harder to exploit; tests/hardening looks for all of it.
# -fcf-protection is for x86-64, -mbranch-protection for arm64.
HARDEN   := -fPIE $(strip $(foreach f,-fstack-protector-strong \
	-fstack-clash-protection -fcf-protection -mbranch-protection=standard, \
	$(call if_known,$f)))
# The start files of Debian have no mark for a shadow stack, so that the linker
# would leave it out, but they return as they are called. They lack the marks of
# jumps, too: a program that claimed these (-z ibt) would stop at its first
# instruction where they are demanded.
HARDENLD := -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code \
	$(strip $(call if_linked,-Wl$(comma)-z$(comma)shstk))
# A level in the flags of the user replaces ours. gcc before 12 has no level 3.
# clang before 16 wants the second flag before it zeroes variables, and gcc
# before 12 cannot.
FORTIFY = $(or $(call if_known,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3), \
	$(call if_known,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2))
AUTO_ZERO = $(or $(call if_known,-ftrivial-auto-var-init=zero), \
	$(call if_known,-ftrivial-auto-var-init=zero \
	-enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang))

# The sanitizers find what these two hide: FORTIFY replaces the functions that
# they watch, and a zeroed variable hides a read of what was never written.
ifdef FUZZ
B        ?= build-fuzz
SANFLAGS := -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=all -fno-omit-frame-pointer
else ifdef SAN
B        ?= build-san
SANFLAGS := -fsanitize=address,undefined,float-cast-overflow \
	-fno-sanitize-recover=all -fno-omit-frame-pointer
else ifdef COVERAGE
B        ?= build-cov
SANFLAGS := --coverage
override CFLAGS := -O0 -g
HARDEN   += $(strip $(FORTIFY) $(AUTO_ZERO))
AT_EXIT  := $B/tests/coverage_at_exit.o
else
B        ?= build
HARDEN   += $(strip $(FORTIFY) $(AUTO_ZERO))
endif

# The folder of the build must not be in the programs. gcov needs it.
ifndef COVERAGE
NO_FOLDER := $(strip $(call if_known,-ffile-prefix-map=$(CURDIR)=.))
endif

WARN := -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion \
	-Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum -Wcast-qual \
	-Wwrite-strings -Wvla -Wformat=2 -Wundef $(if $(WERROR),-Werror)

# A time of 32 bits ends in 2038. Where the C library still has it, these two
# give it 64 bits; base/time.h refuses anything less.
WIDE_TIME := $(shell echo '_Static_assert(sizeof(time_t) >= 8, "");' | \
	$(CC) -include time.h $(CPPFLAGS) $(CFLAGS) -x c -c -o /dev/null - \
	2>/dev/null || echo '-D_TIME_BITS=64 -D_FILE_OFFSET_BITS=64')

# The x87 computes with more bits than a double has, so that a result depends on
# what the compiler keeps in registers.
EXACT_DOUBLE := $(shell echo '_Static_assert(FLT_EVAL_METHOD < 2, "");' | \
	$(CC) -include float.h -std=c11 $(CPPFLAGS) $(CFLAGS) -x c -c \
	-o /dev/null - 2>/dev/null || echo '-msse2 -mfpmath=sse')

# Nobody asks for the errno of a function of <math.h>, and without it a root is
# one instruction.
EXACT_DOUBLE += $(call if_known,-fno-math-errno)

# All functions of the libraries are bound at the start (-z now), so a call needs
# no table of jumps.
NO_PLT   := $(strip $(call if_known,-fno-plt))

PKGS     := libcrypto libssl libcap-ng libseccomp inih jansson
PKGFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS))
PKGLIBS  := $(shell $(PKG_CONFIG) --libs $(PKGS))
# For --version: the libraries of this build.
BUILT_WITH := $(strip $(foreach p,$(filter-out libcrypto,$(PKGS)),$(subst \
	libssl,OpenSSL,$p)-$(shell $(PKG_CONFIG) --modversion $p)))
ALL_CFLAGS := -std=c11 -D_GNU_SOURCE $(WIDE_TIME) -DNTSAGENT_VERSION='"$(VERSION)"' \
	-DNTSAGENT_BUILT_WITH='"$(BUILT_WITH)"' \
	-DNTSAGENT_CONFDIR='"$(CONFDIR)"' -DNTSAGENT_SBINDIR='"$(SBINDIR)"' \
	-DNTSAGENT_LIBEXECDIR='"$(LIBEXECDIR)"' -I. \
	$(WARN) $(HARDEN) $(NO_FOLDER) $(EXACT_DOUBLE) $(NO_PLT) $(SANFLAGS) \
	$(PKGFLAGS) $(CPPFLAGS) $(CFLAGS) -MMD -MP
ALL_LDFLAGS := $(HARDENLD) $(SANFLAGS) $(LDFLAGS)

# One archive a folder, in the order of linking: a folder that leans upward does
# not link. tests/include_graph has the finer table of what may include what.
ROOMS := agent/check agent/launch agent/loop agent/keeper agent/logger agent/host agent/host/sandbox \
	agent/query \
	agent/engine agent/source agent/saved agent/link agent/config \
	agent/history agent/foreign \
	resolver resolver/certificate nts \
	clock/steering clock/filter clock/kernel clock base
CTL_ROOMS := agent/ctl agent/ctl/watch agent/ctl/history agent/ctl/import agent/ctl/report \
	agent/ctl/shadow agent/ctl/chronyc agent/ctl/print agent/ctl/metrics \
	agent/ctl/snapshot agent/cmdmon/protocol agent/foreign nts base
# ntsctl, with the commands that are in a program of their own.
TOOLS_ROOMS := agent/tools $(CTL_ROOMS)
EXPORTER_ROOMS := agent/exporter agent/ctl agent/ctl/metrics agent/ctl/snapshot \
	agent/host agent/host/sandbox base
# ntsagent-cmdmon reads the status as ntsctl does.
CMDMON_ROOMS := agent/cmdmon $(filter-out nts base,$(CTL_ROOMS)) \
	agent/host agent/host/sandbox nts base
PROGRAM_MAINS := agent/main.c agent/ctl/main.c agent/tools/main.c \
	agent/exporter/main.c agent/cmdmon/main.c

# ROOM -> its archive, its sources, and the rooms from it downward.
archive_of = $B/lib/$(subst /,-,$(1)).a
sources_of = $(filter-out $(PROGRAM_MAINS),$(wildcard $(1)/*.c))
from = $(if $(filter $(1),$(firstword $(2))),$(2),\
	$(call from,$(1),$(wordlist 2,$(words $(2)),$(2))))
rooms_with = $(if $(filter agent/exporter,$(1)),$(EXPORTER_ROOMS),$(if \
	$(filter agent/cmdmon,$(1)),$(CMDMON_ROOMS),$(if \
	$(filter agent/tools,$(1)),$(TOOLS_ROOMS),$(if \
	$(filter agent/ctl% agent/cmdmon/%,$(1)),$(CTL_ROOMS),$(ROOMS)))))
below = $(call from,$(1),$(call rooms_with,$(1)))
archives_below = $(foreach r,$(call below,$(1)),$(call archive_of,$r))

ALL_ROOMS    := $(ROOMS) $(filter-out $(ROOMS),$(TOOLS_ROOMS)) \
	agent/exporter agent/cmdmon
SRC_server   := $(wildcard tests/server/*.c)
SRC_sim      := $(wildcard tests/sim/*.c)
SRC_fleet    := $(wildcard tests/fleet/*.c)
SRC_unit     := $(foreach r,$(ALL_ROOMS),$(wildcard tests/unit/$r/*_test.c))
SRC_fuzz     := $(wildcard tests/fuzz/*_fuzz.c)

LIBS     := $(foreach r,$(ROOMS),$(call archive_of,$r))
PROGRAMS := $B/ntsagentd $B/ntsctl $B/ntsctl-tools $B/ntsagent-exporter \
	$B/ntsagent-cmdmon
UNIT     := $(SRC_unit:%.c=$B/%)

FUZZERS  := $(SRC_fuzz:%.c=$B/%)
KERNEL   := $(addprefix $B/tests/kernel/,kclock timeofday xstate_probe \
	full_xstate.so short_xstate.so pausable.so)
REAL     := $(addprefix $B/tests/bench/,relay no_stamps.so)
SIM      := $B/tests/sim/sim
FLEET    := $B/tests/fleet/fleet
LOAD     := $B/tests/fleet/load
SERVER   := $B/tests/server/ntsserver
# A build with sanitizers has no sandbox to attack.
ATTACK   := $B/tests/attack/engine $(if $(SAN),,$B/tests/attack/job)

.PHONY: all help build-check check check-unit unit-tests print-unit-tests \
	check-processors check-emulated check-compilers check-same-bytes check-memory \
	memcheck-run \
	check-faults check-lab check-chronyc check-monitoring check-boot check-kernel \
	check-shells \
	fuzz fuzz-run coverage coverage-run bench \
	bench-sim bench-real bench-boots bench-kernel bench-rival bench-cost \
	bench-queries bench-start bench-fleet lint format install uninstall dist deb rpm print-programs \
	check-packages check-ansible clean mutate print-archives screenshots \
	FORCE
.SECONDARY:

all: $(PROGRAMS)

help:
	@echo 'make            build the five programs into $B/'
	@echo 'make check      everything that needs no root and no network but loopback'
	@echo 'make check SAN=1  the same with address and undefined-behaviour sanitizers'
	@echo 'make check-memory  a key exchange under valgrind'
	@echo 'make check-faults  every fault of a server or a path, on the loopback'
	@echo 'make check-monitoring (root) the alerts in a real Prometheus'
	@echo 'make check-lab  (root) real servers in network namespaces'
	@echo 'make check-chronyc (root) ntsctl next to chronyc'
	@echo 'make check-boot (root) Debian 12 and 13 booted with another time service'
	@echo 'make check-shells  completions in a real zsh and a real fish'
	@echo 'make check-kernel (root) a real kernel clock in a virtual machine'
	@echo 'make check-processors (root) the unit tests on arm64, armhf, i386, s390x'
	@echo 'make check-emulated (root) the sandbox on arm64 kernels; a machine that sleeps'
	@echo 'make check-compilers (root) builds and unit tests with gcc 12 to 16, clang, LTO'
	@echo 'make fuzz       libFuzzer targets, SECONDS each (60)'
	@echo 'make coverage   the lines that unit tests and fuzz corpora execute, by room'
	@echo 'make bench      accuracy next to chronyd: CLKNETSIM_PATH=DIR CHRONYD=FILE'
	@echo 'make bench-sim  the long rows of our own simulator'
	@echo 'make bench-real (root) the agent and chronyd on a real network stack, at once'
	@echo 'make bench-boots (root) 76 boots with a wrong clock and other faults'
	@echo 'make bench-kernel (root) both with a kernel clock each that other programs disturb'
	@echo 'make bench-rival  the simulation tests of chrony: CHRONY_SOURCE=DIR CLKNETSIM_PATH=DIR'
	@echo 'make bench-cost (root) processor time and system calls next to chronyd'
	@echo 'make screenshots  pictures of ntsctl and, with PROMETHEUS=DIR, the dashboard'
	@echo 'make bench-queries  what ntsctl and 10,000 of its questions cost'
	@echo 'make bench-start  what the sandbox costs at a start'
	@echo 'make bench-fleet  what 10,000 agents do to three key servers'
	@echo 'make mutate     breaks the code on purpose; MUTATE="-n 20 nts" narrows it'
	@echo 'make lint       formatting, floors, manuals, static checkers, shell'
	@echo 'make install    with DESTDIR, PREFIX, CONFDIR; make uninstall takes it away'
	@echo 'make dist       the tarball of a release'
	@echo 'make deb rpm    packages: etc/packaging/README.md'
	@echo 'make check-unit  the unit tests of one folder: UNIT_DIR=nts'
	@echo 'make check-same-bytes  programs from two folders are equal'
	@echo 'make check-ansible (root) the Ansible role against a booted Debian'
	@echo 'make format     clang-format of all C files'
	@echo 'make check-packages (root) packages installed, upgraded, purged in booted Debian'

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
OF_CTL = $(filter-out $(LIBS),$(call archives_below,agent/ctl/report))

# For tests/mutate: each room with all that its unit tests link.
print-archives:
	@$(foreach r,$(ALL_ROOMS),echo '$r: $(strip \
		$(if $(filter $r,$(WORLD_ROOMS)),$(WORLD)) \
		$(if $(filter agent/query,$r),$(OF_CTL)) \
		$(call archives_below,$r))';)

# Some tests have the archives of ntsctl last; those need base, too.
LINK = @$(if $(filter 0,$(V)),echo '  LD   $@';) \
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) \
	$(filter %/base.a,$^) $(PKGLIBS) -lm $(EXTRA_LIBS)

$B/ntsagentd: $B/agent/main.o $(LIBS)
	$(LINK)
$B/ntsctl: $B/agent/ctl/main.o $(call archives_below,agent/ctl)
	$(LINK)
$B/ntsctl-tools: $B/agent/tools/main.o $(call archives_below,agent/tools)
	$(LINK)
$B/ntsagent-exporter: $B/agent/exporter/main.o \
		$(call archives_below,agent/exporter)
	$(LINK)
$B/ntsagent-cmdmon: $B/agent/cmdmon/main.o $(call archives_below,agent/cmdmon)
	$(LINK)
$(SERVER): $(SRC_server:%.c=$B/%.o) $(foreach r,nts base,$(call archive_of,$r))
	$(LINK)
$(SIM): $(SRC_sim:%.c=$B/%.o) $(LIBS)
	$(LINK)

$(FLEET): $(patsubst %.c,$B/%.o,$(filter-out tests/fleet/load.c,$(SRC_fleet))) \
		$(LIBS)
	$(LINK)
$(LOAD): $B/tests/fleet/load.o $(LIBS)
	$(LINK)

$(ATTACK): %: %.o $(LIBS)
	$(LINK)

# A unit test links its own room and those below it.
define unit_rule
$B/tests/unit/$(1)/%_test: $B/tests/unit/$(1)/%_test.o \
		$(call archives_below,$(1))
	$$(LINK)
endef
$(foreach r,$(ALL_ROOMS),$(eval $(call unit_rule,$r)))

# What runs once, at a start, for a key exchange or for an administrator, is
# small rather than fast.
ONCE := agent/check agent/config agent/ctl/history agent/foreign \
	agent/launch resolver
ONCE_FILES := agent/ctl/options agent/ctl/suggest agent/host/privileges \
	agent/host/rivals agent/host/runtime_files agent/link/config_judge \
	agent/query/orders agent/saved/seal_key clock/steering/view nts/ke \
	nts/path nts/revocation nts/tls
$(ONCE:%=$B/%/%.o): ALL_CFLAGS := $(ALL_CFLAGS:-O2=-Os)
$(ONCE_FILES:%=$B/%.o): ALL_CFLAGS := $(ALL_CFLAGS:-O2=-Os)

$(filter $B/tests/unit/agent/query/%,$(UNIT)): $(OF_CTL)
$B/tests/unit/%_test: EXTRA_LIBS = -lcmocka
# cmocka 2 has other names for what cmocka 1 knows by these alone.
$B/tests/unit/%.o: ALL_CFLAGS += -DCMOCKA_DISABLE_DEPRECATION_WARNINGS
$B/tests/unit/resolver/certificate/chains_test: \
	EXTRA_LIBS = -lcmocka $(shell $(PKG_CONFIG) --libs gnutls)

# A fuzz target links libFuzzer, or a main that replays stored inputs. Some
# need the world of the engine, or ntsctl.
ifdef FUZZ
FUZZ_MAIN :=
$B/tests/fuzz/%_fuzz: EXTRA_LIBS = -fsanitize=fuzzer
# The estimator is arithmetic with numbers that others have checked, and nine
# tenths of what the engine costs. Its unit tests run with the sanitizers.
$B/clock/filter/%.o: ALL_CFLAGS := $(filter-out $(SANFLAGS),$(ALL_CFLAGS))
else
FUZZ_MAIN := $B/tests/fuzz/replay.o
endif
$B/tests/fuzz/%_fuzz: $B/tests/fuzz/%_fuzz.o $(FUZZ_MAIN) $(LIBS)
	$(LINK)
$(patsubst %,$B/tests/fuzz/%_fuzz,control engine frames): $(WORLD)
$B/tests/fuzz/snapshot_fuzz: $(OF_CTL)
$B/tests/fuzz/http_fuzz: $(call archive_of,agent/exporter)
$B/tests/fuzz/history_file_fuzz: $(call archive_of,agent/ctl/watch) \
	$(call archive_of,agent/ctl/history) $(OF_CTL)
$B/tests/fuzz/cmdmon_fuzz: $(filter-out $(LIBS),$(call archives_below,agent/cmdmon))
$B/tests/fuzz/import_fuzz: $(call archive_of,agent/ctl/import) $(OF_CTL)

$B/tests/%.so: tests/%.c
	@mkdir -p $(@D)
	@$(if $(filter 0,$(V)),echo '  LD   $@';) \
	$(CC) $(WARN) -D_GNU_SOURCE $(WIDE_TIME) -O2 -fPIC -shared -o $@ $<

# A kernel that lacks system calls.
WITHOUT := $B/tests/without
$(WITHOUT): $B/tests/without.o
	$(LINK)

$B/tests/kernel/%: $B/tests/kernel/%.o
	$(LINK)

$B/tests/bench/relay: $B/tests/bench/relay.o
	$(LINK)

# `make check-unit UNIT_DIR="nts base"` runs the tests of some floors.
UNIT_DIR ?=
UNIT_RUN := $(if $(UNIT_DIR),$(filter \
	$(foreach d,$(UNIT_DIR),$B/tests/unit/$d/%),$(UNIT)),$(UNIT))
unit-tests: $(UNIT_RUN)
check-unit: unit-tests
	@tests/run-unit $(UNIT_RUN)
print-unit-tests:
	@echo $(UNIT_RUN)

$(filter $(WORLD_ROOMS:%=$B/tests/unit/%/%),$(UNIT)): $(WORLD)

# Everything that needs no root and no network but loopback.
build-check: all $(UNIT) $(FUZZERS) $(SIM) $(FLEET) $(LOAD) $(SERVER) $(ATTACK) $(WITHOUT)
check: build-check
	@tests/total 'unit=tests/run-unit $(UNIT)' \
		'simulation&=tests/run-sim $(SIM)' 'fleet&=$(FLEET) --check' 'floors=tests/floors . $B' \
		'hardening=tests/hardening $B' 'same bytes=tests/same_bytes build/lib/base.a' 'conformance=tests/conformance' \
		'fuzz corpora=tests/fuzz/run $(FUZZERS)' \
		'completions=tests/completions $B' 'LAN CA=tests/lan-ca' \
		'DHCP hook=tests/dhcp_hook $B' \
		'example=tests/example $B' $(foreach a,$(ATTACK),'attack by $(notdir $a)=$a') \
		'loopback=tests/loopback $B' 'restart=tests/restart $B' \
		'monitoring protocol=tests/cmdmon/run $B' \
		'exit statuses=tests/exits $B' \
		'exporter=tests/exporter $B' \
		'faults=tests/faults/run $B'

# A key exchange, as the process of a job makes it, under valgrind. Zeroed
# variables would hide what it looks for.
MEMCHECK := $(patsubst %,$B/tests/unit/%_test,resolver/job nts/tls)
check-memory:
	@$(MAKE) --no-print-directory B=build-valgrind memcheck-run \
		CFLAGS='$(CFLAGS) -O1 -g -ftrivial-auto-var-init=uninitialized'
memcheck-run: $(MEMCHECK)
	@tests/memcheck $(MEMCHECK)

check-faults: all $(SERVER)
	@tests/faults/run $B

# The dashboard and the alerts with promtool and a real Prometheus; needs root.
check-monitoring: all $(SERVER)
	@tests/monitoring/run $B

check-lab: all $(SERVER)
	@tests/total 'lab=tests/lab/run $B' 'readers of chrony=tests/cmdmon/clients $B' \
		'shadow mode=tests/cmdmon/shadow $B' 'name services=tests/nss/run $B'

check-chronyc: all $(SERVER)
	@tests/chronyc/compare $B

check-boot: all $(SERVER)
	@tests/boot/run $B

check-shells:
	@tests/shells

check-kernel: all $(KERNEL) $(SERVER)
	@tests/total 'register state=tests/kernel/xstate $B' \
		'oscillator+=tests/kernel/oscillator $B' \
		'words+=tests/kernel/words $B' \
		'kernel clock=tests/kernel/run $B' \
		'wrong clock=tests/kernel/wrongclock $B' \
		'taken over clock=tests/kernel/takeover $B' \
		'starts that lack something=tests/kernel/starts $B' \
		'coarse clock=tests/kernel/coarse $B' \
		'disturbed clock=tests/kernel/disturbed $B' \
		'shadow mode=tests/kernel/shadow $B' \
		'leap second=tests/kernel/leap $B'

# Pictures for pages about the agent; needs tmux and rsvg-convert.
screenshots: all $(SERVER)
	@tests/screenshots/make $B $B/screenshots

# The programs, built in two folders.
check-same-bytes:
	@tests/same_bytes $(PROGRAMS:$B/%=build/%)

# The unit tests on other processors, and with other compilers; both need root.
# COMPILERS="gcc-14:-O3 clang-19:-O2,-flto" narrows the second.
check-processors:
	@UNIT_DIR="$(UNIT_DIR)" tests/processors/run $(ARCHITECTURES)
check-emulated: all $(KERNEL) $(SERVER)
	@tests/total 'arm64=tests/emulated/arm64 $B' 'suspend=tests/emulated/suspend $B'
check-compilers:
	@tests/processors/compilers $(COMPILERS)

# Objects for libFuzzer are built next to the others. What it finds is kept in
# build-fuzz/corpus; a small part of it belongs into tests/fuzz/corpus.
SECONDS ?= 60
fuzz:
	@$(MAKE) --no-print-directory FUZZ=1 CC=clang B=build-fuzz fuzz-run
fuzz-run: $(FUZZERS)
	@tests/fuzz/attack $B $(SECONDS) $(FUZZERS)

# The lines that unit tests and corpora execute, a row for each room. A test may
# fail here, because each child that cannot write its counts complains.
# COVERAGE_LINES="nts resolver" lists the others.
COVERAGE_LINES ?=
coverage:
	@find build-cov -name '*.gcda' -delete 2>/dev/null || :
	@$(MAKE) --no-print-directory COVERAGE=1 CC=gcc B=build-cov coverage-run
coverage-run: $(UNIT) $(FUZZERS)
	-@umask 0; chmod -R a+rwX $B; tests/fuzz/run $(FUZZERS)
	-@umask 0; chmod -R a+rwX $B; tests/run-unit $(UNIT)
	@tests/coverage $B $(if $(COVERAGE_LINES),--lines $(COVERAGE_LINES))
$(if $(AT_EXIT),$(UNIT) $(FUZZERS): $(AT_EXIT))

# CLKNETSIM_PATH and CHRONYD come from the environment or the command line;
# BENCH_SEEDS, BENCH_ROWS ("lan-* four-*") and BENCH_CLIENT narrow it.
# BENCH_DRAWN=NUMBER:SEED adds so many worlds, drawn at random ("drawn-*").
BENCH_SEEDS ?= 10
BENCH_ROWS ?=
BENCH_DRAWN ?= 0
export CLKNETSIM_PATH CHRONYD BENCH_DRAWN
BENCH_CLIENT ?=
bench: $B/ntsagentd $B/tests/bench/shown_errors.so
	@mkdir -p $B/bench
	@tests/bench/bench -s $(BENCH_SEEDS) $(BENCH_CLIENT:%=-c %) \
		-p $B/tests/bench/shown_errors.so $B/ntsagentd $B/bench \
		$(BENCH_ROWS)

# Fleets against a model of key servers. CHRONYD=FILE and NTPD=FILE (root)
# measure real ones first: tests/fleet/README.md.
bench-fleet: $(FLEET) $(LOAD)
	@$(if $(CHRONYD)$(NTPD),tests/fleet/measure --build $B \
		$(CHRONYD:%=--chronyd %) $(NTPD:%=--ntpd %))
	@$(FLEET)
	@$(FLEET) --sizes

# The long rows of our own simulator, without a rival.
bench-sim: $(SIM)
	@$(SIM) --bench

# Both clients at the same moment, in network namespaces; needs root and CHRONYD.
# REAL_OPTIONS="--quick 'idle*' 'shaper*'" narrows it (tests/bench/real --help).
REAL_OPTIONS ?=
bench-real: all $(REAL)
	@tests/bench/real --build $B $(REAL_OPTIONS)

# Both clients with a kernel clock each, in virtual machines; needs root.
bench-kernel: all $(KERNEL) $(SERVER)
	@tests/bench/kernel $B

# Boots with a wrong clock and other faults; needs root. BOOTS=PATTERN narrows it.
BOOTS ?= .
bench-boots: all $(KERNEL) $(SERVER)
	@tests/kernel/boots $B '$(BOOTS)'

# The client part of chrony's own simulation tests, with the agent and with
# chronyd. RIVAL_TESTS="0* 120*" and RIVAL_OPTIONS="-s 2 -k" narrow it.
RIVAL_TESTS ?=
RIVAL_OPTIONS ?=
export CHRONY_SOURCE
bench-rival: $B/ntsagentd
	@mkdir -p $B/bench
	@tests/bench/rival $(RIVAL_OPTIONS) $B/ntsagentd $B/bench $(RIVAL_TESTS)

# What both clients cost, at the same moment; needs root, strace and CHRONYD.
# COST_OPTIONS="--seconds 60 --calls" changes it (tests/bench/cost --help).
# Then what the estimator alone costs: fails beyond its limits.
COST_OPTIONS ?=
bench-cost: all $(SIM)
	@tests/bench/cost --build $B $(COST_OPTIONS)
	@$(SIM) --cost

# One minute.
bench-queries: all $(SERVER)
	@tests/bench/queries --build $B

# The time to the first sample, with the sandbox and without it.
bench-start: all $(SERVER)
	@tests/bench/start $B

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
FISHCOMPDIR ?= $(PREFIX)/share/fish/vendor_completions.d
CONF        := $(DESTDIR)$(CONFDIR)/ntsagent.conf
install: all
	@# Not readable, so that no other process of its user can attach to a child
	@# that has just been executed (agent/launch/README.md).
	install -D -m 711 $B/ntsagentd $(DESTDIR)$(SBINDIR)/ntsagentd
	install -D -m 755 $B/ntsctl $(DESTDIR)$(BINDIR)/ntsctl
	install -D -m 755 $B/ntsctl-tools $(DESTDIR)$(LIBEXECDIR)/ntsctl-tools
	install -D -m 755 $B/ntsagent-exporter $(DESTDIR)$(BINDIR)/ntsagent-exporter
	install -D -m 755 $B/ntsagent-cmdmon $(DESTDIR)$(SBINDIR)/ntsagent-cmdmon
	for page in man/*.[0-9]; do \
		install -D -m 644 -t $(DESTDIR)$(MANDIR)/man$${page##*.} $$page; \
	done
	install -d $(DESTDIR)$(UNITDIR)
	for unit in etc/systemd/*.service etc/systemd/*.socket; do \
		sed -e 's|/usr/sbin/|$(SBINDIR)/|' -e 's|/usr/bin/|$(BINDIR)/|' \
			$$unit | install -m 644 /dev/stdin \
			$(DESTDIR)$(UNITDIR)/$${unit##*/}; \
	done
	install -D -m 644 -t $(DESTDIR)$(NTPUNITDIR) etc/ntp-units.d/*
	install -D -m 644 -t $(DESTDIR)$(PRESETDIR) etc/systemd/*.preset
	install -D -m 644 -t $(DESTDIR)$(UNITDIR)/systemd-timesyncd.service.d \
		etc/systemd/systemd-timesyncd.service.d/*
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/sysusers.d etc/sysusers.d/*
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/tmpfiles.d etc/tmpfiles.d/*
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/ntsagent/monitoring \
		etc/monitoring/*.json etc/monitoring/*.yml etc/monitoring/README.md
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/share/ntsagent etc/fleet/lan-ca
	for program in $(notdir $(filter-out %-tools,$(PROGRAMS))); do \
		install -D -m 644 etc/completions/$$program.bash \
			$(DESTDIR)$(BASHCOMPDIR)/$$program && \
		install -D -m 644 -t $(DESTDIR)$(ZSHCOMPDIR) \
			etc/completions/_$$program || exit 1; \
	done
	install -D -m 644 -t $(DESTDIR)$(FISHCOMPDIR) etc/completions/*.fish
	[ -e $(DESTDIR)$(LOGROTATEDIR)/ntsagent ] || \
		install -D -m 644 -t $(DESTDIR)$(LOGROTATEDIR) etc/logrotate.d/*
	install -d $(DESTDIR)$(CONFDIR)/conf.d $(DESTDIR)$(CONFDIR)/sources.d
	@if [ ! -e $(CONF) ]; then \
		echo install -m 644 etc/ntsagent.conf $(CONF); \
		install -m 644 etc/ntsagent.conf $(CONF); \
	elif ! cmp -s etc/ntsagent.conf $(CONF); then \
		install -m 644 etc/ntsagent.conf $(CONF).new; \
		echo '$(CONF) is yours and stays; the new example is $(CONF).new'; \
	fi

# Removes what `make install` with the same variables installs. A configuration
# that was changed stays, and so do /var/lib/ntsagent and the users. An empty
# folder that has our name goes. An install into an empty place says what there
# is to remove, so that no second list has to agree with the first one.
uninstall: all
	@rm -rf $B/installed && $(MAKE) --no-print-directory install \
		B='$B' DESTDIR='$(abspath $B)/installed' >/dev/null
	@root='$(if $(DESTDIR),$(abspath $(DESTDIR)))'; cd $B/installed && find . -type f -o -type l | sed 's|^\.||' | \
	while read -r file; do \
		case $$file in $(CONFDIR)/*|$(LOGROTATEDIR)/*) \
			cmp -s ".$$file" "$$root$$file" || { \
				[ ! -e "$$root$$file" ] || \
					echo "$$root$$file was changed and stays"; \
				continue; } ;; \
		esac; \
		echo rm -f "$$root$$file"; rm -f "$$root$$file"; \
	done
	@rm -f $(CONF).new
	@for folder in $(CONFDIR)/conf.d $(CONFDIR)/sources.d $(CONFDIR) \
			$(LIBEXECDIR) $(PREFIX)/share/ntsagent/monitoring \
			$(PREFIX)/share/ntsagent $(UNITDIR)/systemd-timesyncd.service.d; do \
		rmdir "$(DESTDIR)$$folder" 2>/dev/null || :; \
	done
	@rm -rf $B/installed

# The source of a release, and packages from it: etc/packaging/README.md.
DISTDIR ?= $B
DEBDIR  ?= $B/deb
RPMDIR  ?= $B/rpm
print-programs:
	@$(foreach p,$(PROGRAMS),echo $(notdir $p);)
dist:
	@etc/packaging/make-dist '$(VERSION)' '$(DISTDIR)'
deb:
	@etc/packaging/make-deb '$(VERSION)' '$(DEBDIR)'
rpm:
	@etc/packaging/make-rpm '$(VERSION)' '$(RPMDIR)'

# The role for Ansible, on a booted Debian.
check-ansible: all $(SERVER)
	@tests/ansible $B
check-packages: all $(SERVER)
	@tests/total 'install=tests/packages/install $B' \
		'packages=tests/packages/run $B' 'RPM=tests/packages/rpm' \
		'other inits=tests/packages/inits $B'

# Packages are built in a copy of the source.
-include $(shell find $B \( -path $B/deb -o -path $B/rpm \) -prune -o \
	-type f -name '*.d' -print 2>/dev/null)

clean:
	rm -rf build build-usr build-san build-fuzz build-cov build-valgrind
