# shellcheck shell=bash
# The libraries that are preloaded into a guest's kernel. To be sourced; B is
# the build folder, LAB a folder of this run.

# pausable: from now on, guests can be paused. PAUSES is the file that
# pausable.so reads.
pausable() {
	PAUSES=$LAB/pauses
	head -c 8 /dev/zero >"$PAUSES"
}

# preload: prints the variable that preloads them.
preload() {
	echo "LD_PRELOAD=$B/tests/kernel/full_xstate.so${PAUSES:+:$B/tests/kernel/pausable.so}"
}
