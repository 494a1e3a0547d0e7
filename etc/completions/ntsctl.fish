# fish completion for ntsctl(8)
complete -c ntsctl -f

# The first word that is neither an option nor the value of one is the command.
function __ntsctl_command
	set -l words (commandline -opc)
	set -l value_follows no
	for word in $words[2..]
		if test $value_follows = yes
			set value_follows no
			continue
		end
		switch $word
			case -s --socket --since --source --last --svg --chronyd \
					--for --config -t --limit
				set value_follows yes
			case '-*'
			case '*'
				echo $word
				return
		end
	end
end

function __ntsctl_needs_command
	test -z (__ntsctl_command)
end

function __ntsctl_is
	contains -- (__ntsctl_command) $argv
end

function __ntsctl_sources
	ntsctl sources --csv 2>/dev/null | sed -e 1d -e 's/,.*//'
end

complete -c ntsctl -n __ntsctl_needs_command -a status -d 'Whether the time is right, and if not, why'
complete -c ntsctl -n __ntsctl_needs_command -a sources -d 'The time servers, their state and last sample'
complete -c ntsctl -n __ntsctl_needs_command -a sourcestats -d 'Frequency and offset estimated from each server'
complete -c ntsctl -n __ntsctl_needs_command -a tracking -d 'The system clock compared with NTP time'
complete -c ntsctl -n __ntsctl_needs_command -a authdata -d 'Keys and cookies of each server'
complete -c ntsctl -n __ntsctl_needs_command -a activity -d 'How many servers are online and offline'
complete -c ntsctl -n __ntsctl_needs_command -a metrics -d 'All figures for a monitoring system'
complete -c ntsctl -n __ntsctl_needs_command -a events -d 'What happened, the newest last'
complete -c ntsctl -n __ntsctl_needs_command -a graph -d 'A picture of the last minutes to 30 days'
complete -c ntsctl -n __ntsctl_needs_command -a watch -d 'Clock, servers and events, live'
complete -c ntsctl -n __ntsctl_needs_command -a selectdata -d 'Why each server is used or not'
complete -c ntsctl -n __ntsctl_needs_command -a ntpdata -d 'The latest answer of each server'
complete -c ntsctl -n __ntsctl_needs_command -a sourcename -d 'The configured host of an address'
complete -c ntsctl -n __ntsctl_needs_command -a compare -d 'Whose time is nearer: ntsagentd or chronyd'
complete -c ntsctl -n __ntsctl_needs_command -a check -d 'Judge the configuration and each server'
complete -c ntsctl -n __ntsctl_needs_command -a waitsync -d 'Wait until the clock is synchronised'
complete -c ntsctl -n __ntsctl_needs_command -a retry -d 'End all waiting times and ask the servers now'
complete -c ntsctl -n __ntsctl_needs_command -a burst -d 'Measure several times, one second apart'
complete -c ntsctl -n __ntsctl_needs_command -a offline -d 'Send no requests until online'
complete -c ntsctl -n __ntsctl_needs_command -a online -d 'End offline and ask the servers now'
complete -c ntsctl -n __ntsctl_needs_command -a step -d 'Step the clock by the remaining offset'
complete -c ntsctl -n __ntsctl_needs_command -a makestep -d 'Another name for step'
complete -c ntsctl -n __ntsctl_needs_command -a onoffline -d 'Look at the network again'
complete -c ntsctl -n __ntsctl_needs_command -a refresh -d 'Look up the names again and fetch new keys'
complete -c ntsctl -n __ntsctl_needs_command -a reselect -d 'Select the best server again'
complete -c ntsctl -n __ntsctl_needs_command -a reset -d 'Drop all samples and measure again'
complete -c ntsctl -n __ntsctl_needs_command -a dump -d 'Save the samples now'
complete -c ntsctl -n __ntsctl_needs_command -a reload -d 'Read the configuration again'
complete -c ntsctl -n __ntsctl_needs_command -a cyclelogs -d 'Open the files of measurements again'
complete -c ntsctl -n __ntsctl_needs_command -a import -d 'Make an ntsagent.conf of another configuration'
complete -c ntsctl -n __ntsctl_needs_command -a help -d 'Print the commands and options'
complete -c ntsctl -n __ntsctl_needs_command -a version -d 'Print the version'
complete -c ntsctl -n '__ntsctl_is retry burst offline online refresh ntpdata sourcename' -a '(__ntsctl_sources)'
complete -c ntsctl -n '__ntsctl_is metrics' -a 'openmetrics prometheus'
complete -c ntsctl -n '__ntsctl_is reload reset' -a sources
complete -c ntsctl -n '__ntsctl_is help' -a '(complete -C "ntsctl ")'

complete -c ntsctl -n 'not __ntsctl_is import' -s s -l socket -r -F -d 'Status socket'
complete -c ntsctl -n 'not __ntsctl_is import' -l json -d 'Print JSON'
complete -c ntsctl -n 'not __ntsctl_is import' -l csv -d 'Print CSV with a heading'
complete -c ntsctl -n 'not __ntsctl_is import' -s n -l numeric -d 'Show addresses instead of names'
complete -c ntsctl -n 'not __ntsctl_is import' -s N -l names -d 'Show the configured names'
complete -c ntsctl -n 'not __ntsctl_is import' -s a -l all -d 'List all servers'
complete -c ntsctl -n 'not __ntsctl_is import' -s v -l verbose -d 'Explain the columns and states'
complete -c ntsctl -n 'not __ntsctl_is import' -s V -l version -d 'Print the version'
complete -c ntsctl -n 'not __ntsctl_is import' -s c -l chronyc -d 'Print the CSV of chronyc'
complete -c ntsctl -n '__ntsctl_is events' -s f -l follow -d 'Go on with new events'
complete -c ntsctl -n '__ntsctl_is events' -l since -x -a '10m 1h 6h 1d 7d 30d' -d 'From then on'
complete -c ntsctl -n '__ntsctl_is events graph' -l source -x -a '(__ntsctl_sources)' -d 'Of this server'
complete -c ntsctl -n '__ntsctl_is graph' -l last -x -a '10m 1h 6h 1d 7d 30d' -d 'How far back'
complete -c ntsctl -n '__ntsctl_is graph' -l svg -r -F -d 'Write a picture'
complete -c ntsctl -n '__ntsctl_is graph' -a 'offset bound error frequency delay stage'
complete -c ntsctl -n '__ntsctl_is compare' -l chronyd -r -F -d 'Address or socket of chronyd'
complete -c ntsctl -n '__ntsctl_is compare' -l for -x -a '10m 1h 24h' -d 'How long'
complete -c ntsctl -n '__ntsctl_is check' -l live -d 'Try each server'
complete -c ntsctl -n '__ntsctl_is check' -l config -r -F -d 'The configuration to judge'
complete -c ntsctl -n '__ntsctl_is check' -s t -l limit -x -d 'How many seconds it may take'
complete -c ntsctl -s h -l help -d 'Print the commands and options'

complete -c ntsctl -n '__ntsctl_is import' -F
complete -c ntsctl -n '__ntsctl_is import' -s o -l output -r -F -d 'Write this file'
complete -c ntsctl -n '__ntsctl_is import' -l check -d 'Write nothing, report every line'
complete -c ntsctl -n '__ntsctl_is import' -l force -d 'Replace files that exist'
complete -c ntsctl -n '__ntsctl_is import' -l format -x -a 'chrony ntpd-rs ntpd timesyncd' -d 'Whose file it is'
complete -c ntsctl -n '__ntsctl_is import' -l with-state -d 'Also take the drift over'
