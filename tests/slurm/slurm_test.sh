#!/usr/bin/env bash
# Slurm for real: a controller and a node on loopback, started here and ended here. A small sweep is submitted as job
# arrays; one job is requeued while it runs, the node is drained and comes back; in the end the table is the one that
# a local run gives.
#   slurm_test.sh W2S_COMMAND
# Exit status 77: not tried, with the reason.
set -euo pipefail
w2s=$1

skip() { echo "skipped: $1"; exit 77; }
export PATH=$PATH:/usr/sbin:/sbin
for program in slurmctld slurmd sbatch squeue scontrol scancel; do
  command -v "$program" >/dev/null || skip "$program is not installed"
done
[ "$(id -u)" -eq 0 ] || skip "slurmd starts jobs as other users: it needs root"
plugins=$(dirname "$(find /usr/lib -name auth_none.so -path '*slurm*' 2>/dev/null | head -1)")
[ -n "$plugins" ] && [ "$plugins" != . ] || skip "this Slurm has no plugin auth/none"

work=$(mktemp -d)
started=()
pause() { read -rt 0.1 <> <(:) || true; }
finish() {
  local status=$?
  if [ $status -ne 0 ] && [ $status -ne 77 ]; then
    tail -n 30 "$work"/slurmctld.log "$work"/slurmd.log 2>/dev/null || true
    tail -n 20 "$work"/runs/slurm/*/*.log 2>/dev/null || true
  fi
  if [ ${#started[@]} -gt 0 ]; then
    timeout 5 scancel --user root 2>/dev/null || true
    # A step that cannot tell the controller of its end would stay.
    for ((i = 0; i < 200; i++)); do
      [ -n "$(timeout 5 squeue --noheader 2>/dev/null)" ] || break
      pause
    done
    for process in "${started[@]}"; do kill "$process" 2>/dev/null || true; done
    for ((i = 0; i < 50; i++)); do kill -0 "${started[@]}" 2>/dev/null || break; pause; done
    for process in "${started[@]}"; do kill -KILL "$process" 2>/dev/null || true; done
    for process in "${started[@]}"; do wait "$process" 2>/dev/null || true; done
  fi
  rm -rf "$work"
  exit $status
}
trap finish EXIT

# Two ports that nobody listens on.
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])' 2>/dev/null || echo $((20000 + RANDOM % 20000)); }
host=$(hostname -s)
mkdir -p "$work"/{state,spool}
cat >"$work/slurm.conf" <<CONF
ClusterName=w2stest
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$(free_port)
SlurmdPort=$(free_port)
SlurmUser=root
AuthType=auth/none
CredType=cred/none
AuthInfo=cred_expire=5
PluginDir=$plugins
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,batch_sched_delay=0,requeue_setup_env_fail
MpiDefault=none
ReturnToService=2
SlurmdTimeout=60
MinJobAge=5
KillWait=10
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=test Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF=$work/slurm.conf
slurmctld -D -f "$SLURM_CONF" >"$work/slurmctld.out" 2>&1 &
started+=($!)
slurmd -D -f "$SLURM_CONF" -N "$host" >"$work/slurmd.out" 2>&1 &
started+=($!)

# Asks until it is so, half a minute by default.
until_true() {
  local what=$1 tries=${TRIES:-300}
  shift
  until "$@" >/dev/null 2>&1; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || { echo "waited in vain: $what"; return 1; }
    pause
  done
}
node_is() { sinfo --noheader --format=%T | grep -qE "$1"; }
until_true "the node is idle" node_is idle || skip "slurmctld or slurmd does not come up here: $(tail -n 3 "$work"/slurmd.out "$work"/slurmctld.out)"

cd "$work"
cat >sweep.toml <<'TOML'
name = "on_slurm"
seeds = 2

[task]
type = "nested_features"
train = 2000
test = 1000

[models.weak]
type = "mlp"
hidden = []
columns = [0, 1, 2, 3]

[models.strong]
type = "mlp"
hidden = [48]

[pairs]
weak = "weak"
strong = "strong"

[train]
lr = 1e-3
batch = 8
epochs = 40

[methods.naive]

[methods.confident]
loss = "aux_confidence"

[launcher]
partition = "test"
time = "10:00"
TOML
export OMP_NUM_THREADS=1
# Every column but the costs: fits, seconds, memory, energy.
table() { "$w2s" leaderboard on_slurm --runs "$1" --format csv | sed -E 's/(,[^,]*){4}$//'; }
"$w2s" run sweep.toml --runs local --quiet >/dev/null

echo "--- what would be submitted"
"$w2s" run sweep.toml --launcher slurm --runs runs --dry-run | tee dry.txt
grep -q -- '--array=0-3' dry.txt && grep -q -- '--partition=test' dry.txt
[ -z "$(squeue --noheader)" ] || { echo "a dry run submitted something"; exit 1; }

echo "--- submitted"
"$w2s" run sweep.toml --launcher slurm --runs runs --checkpoint-minutes 0.001
if "$w2s" run sweep.toml --launcher slurm --runs runs 2>again.txt; then
  echo "what is in the queue was submitted twice"; exit 1
fi
grep -q 'in Slurm.s queue already' again.txt

running() { squeue --noheader --array --states=RUNNING --format=%i | head -1; }
has_checkpoint() { find runs/checkpoints -type f | grep -q .; }
is_running() { [ -n "$(running)" ]; }
until_true "a job runs" is_running
until_true "it has saved itself" has_checkpoint
job=$(running)
echo "--- requeueing $job while it runs, and draining the node"
"$w2s" status on_slurm --runs runs | tee status.txt
grep -q 'Slurm array' status.txt
scontrol update NodeName="$host" State=DRAIN Reason=test
[ -z "$job" ] || scontrol requeue "$job" || echo "($job had ended)"
until_true "the node is drained" node_is 'drain'
scontrol update NodeName="$host" State=RESUME

queue_is_empty() { [ -z "$(squeue --noheader)" ]; }
TRIES=2400 until_true "the queue is empty" queue_is_empty
squeue
"$w2s" status on_slurm --runs runs
echo "--- the table"
table runs
diff <(table local) <(table runs)
echo "the tables of Slurm and of the local run are equal; requeued: $(grep -ci 'requeu' slurmctld.log || true) times"

echo "--- one run over two tasks of a step"
short=(--seeds 0 --set train.epochs=1 --quiet)
"$w2s" run sweep.toml --runs alone "${short[@]}" >/dev/null
srun --ntasks=2 "$w2s" run sweep.toml --runs together "${short[@]}" >/dev/null
grep -rqE '"processes": *2' together/objects --include=manifest.json
diff <(table alone) <(table together)
echo "the tables of two tasks and of one process are equal"
