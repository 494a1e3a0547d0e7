# fish completion for ntsagent-exporter(8)
complete -c ntsagent-exporter -f
complete -c ntsagent-exporter -s l -l listen -x -d 'Listen on this address and port'
complete -c ntsagent-exporter -s s -l socket -r -F -d 'The status socket of the agent'
complete -c ntsagent-exporter -s h -l help -d 'Print the options'
complete -c ntsagent-exporter -s V -l version -d 'Print the version'
