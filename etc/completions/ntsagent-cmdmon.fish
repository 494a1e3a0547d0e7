# fish completion for ntsagent-cmdmon(8)
complete -c ntsagent-cmdmon -f
complete -c ntsagent-cmdmon -s p -l port -x -d 'Listen on this UDP port'
complete -c ntsagent-cmdmon -s u -l unix -r -F -d 'Listen on this UNIX socket'
complete -c ntsagent-cmdmon -s s -l socket -r -F -d 'The status socket of the agent'
complete -c ntsagent-cmdmon -s U -l user -x -a '(__fish_complete_users)' -d 'Become this user'
complete -c ntsagent-cmdmon -s h -l help -d 'Print the options'
complete -c ntsagent-cmdmon -s V -l version -d 'Print the version'
