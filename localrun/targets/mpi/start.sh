#!/bin/sh
# Starts mpirun, which starts a stand-in for each rank: MPI's own daemons then know the ranks, and localrun keeps them.
#
#     sh start.sh FOLDER RANKS [HOST:RANKS,...]
#
# FOLDER holds these scripts and three pipes a rank. The ranks themselves are started by localrun, wait in rank.sh for what
# mpirun tells their stand-in, and become the user's command with it. So each has the log, the gate, the signals and the
# exit code of its own that ranks of every distribution have.

folder=$1 ranks=$2 hosts=$3
program=$(command -v mpirun) || program=$(command -v mpiexec) || {
    echo 'localrun: there is no mpirun on PATH' >&2
    exit 127
}
if [ -e /.dockerenv ]; then
    # containers may not read one another's memory, although they are on one machine
    export OMPI_MCA_btl_vader_single_copy_mechanism="${OMPI_MCA_btl_vader_single_copy_mechanism:-none}"
    export OMPI_MCA_smsc="${OMPI_MCA_smsc:-^cma}"
    export MPIR_CVAR_CH4_CMA_ENABLE="${MPIR_CVAR_CH4_CMA_ENABLE:-0}"
    [ -z "$hosts" ] || export UCX_TLS="${UCX_TLS:-tcp,self}"
fi
case $("$program" --version 2>&1) in
    *HYDRA*)
        # ranks are no children of its own and inherit no socket: they connect to a port
        set -- -pmi-port
        [ -z "$hosts" ] || set -- "$@" -launcher rsh -launcher-exec "$folder/agent.sh" -hosts "$hosts"
        ;;
    *'Intel(R) MPI'*)
        command -v python3 >/dev/null || {
            echo 'localrun: ranks of Intel MPI need a python3 on PATH' >&2
            exit 127
        }
        set --
        [ -z "$hosts" ] || set -- "$@" -bootstrap rsh -bootstrap-exec "$folder/agent.sh" -hosts "$hosts"
        ;;
    *)
        # as many ranks as were asked for, by whoever asks, on whichever processor is free
        export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
        export PRTE_ALLOW_RUN_AS_ROOT=1 PRTE_ALLOW_RUN_AS_ROOT_CONFIRM=1
        export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
        export PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe PRTE_MCA_hwloc_default_binding_policy=none
        # stand-ins go as soon as they are asked to
        export OMPI_MCA_odls_base_sigkill_timeout=0 PRTE_MCA_odls_base_sigkill_timeout=0
        # found on PATH: a path with blanks would be taken for a program and its options
        PATH="$folder:$PATH"
        export OMPI_MCA_plm_rsh_agent=agent.sh PRTE_MCA_plm_ssh_agent=agent.sh
        export OMPI_MCA_plm_rsh_no_tree_spawn=1 PRTE_MCA_plm_ssh_no_tree_spawn=1
        # its daemons on other nodes stay children of node.sh
        export OMPI_MCA_orte_leave_session_attached=1 PRTE_MCA_prte_leave_session_attached=1
        set --
        [ -z "$hosts" ] || {
            share=ppr:${hosts##*:}:node # else the first node may get them all
            export OMPI_MCA_rmaps_base_mapping_policy="$share" PRTE_MCA_rmaps_default_mapping_policy="$share"
            set -- --host "$hosts"
        }
        ;;
esac
[ -n "$hosts" ] || exec "$program" "$@" -n "$ranks" sh "$folder/stand_in.sh" "$folder"
"$program" "$@" -n "$ranks" sh "$folder/stand_in.sh" "$folder"
code=$?
for file in "$folder"/*.agent; do # mpirun does not wait for these
    { [ -e "$file" ] && read -r pid <"$file"; } || continue
    tries=0
    while kill -9 "$pid" 2>/dev/null && [ $tries -lt 10000 ]; do tries=$((tries + 1)); done
done
exit $code
