#!/bin/sh
# Does on a node what mpirun on the first one asks for through agent.sh: starts mpirun's own daemon, once.
#
#     sh node.sh FOLDER HOST

IFS= read -r line <"$1/$2.ask"
sh -c "$line"
echo $? 1<>"$1/$2.done" # nobody may listen any more
