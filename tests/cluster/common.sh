# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the commands of the test cluster share: where its state is, how each daemon is started,
# stopped and found again.
#
# A cluster is a state directory. All its processes live in one network and one mount namespace,
# held by a sleeping process (the anchor), and in one cgroup: so neither an address nor a mount of
# it is visible outside, and ending it is killing that cgroup, whatever state a crash left it in.
# /run, /var/lib and /var/log are private in there, so the daemons' fixed paths never meet the host's.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=${WEAVERFS_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/weaverfs-test}/bin
state=${WEAVERFS_CLUSTER_STATE:-/var/tmp/weaverfs-cluster}
node=weaver-node
node_ip=192.0.2.10
server=https://127.0.0.1:6443
daemons=(etcd apiserver controller-manager scheduler containerd kubelet)

die()
{
	echo "tests/cluster: $*" >&2
	exit 1
}

# Takes --state DIR out of the arguments and leaves the others in "args".
parse_arguments()
{
	args=()
	while [ $# -gt 0 ]; do
		case $1 in
		--state)
			[ $# -ge 2 ] || die "--state needs a directory"
			state=$2
			shift
			;;
		*) args+=("$1") ;;
		esac
		shift
	done
	state=$(realpath -m -- "$state")
	case $state/ in
	/ | /run/* | /var/lib/* | /var/log/*)
		die "--state $state: must not be below /run, /var/lib or /var/log, the cluster has its own"
		;;
	esac
	name=weaverfs-$(printf %s "$state" | sha256sum | cut -c 1-8)
	cgroup2=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
	[ -n "$cgroup2" ] || die "no cgroup v2 hierarchy is mounted here"
	kubeconfig=$state/admin.kubeconfig
}

need_root()
{
	[ "$(id -u)" = 0 ] || die "only root can run a cluster"
}

# Serialises up, down and ctl of one cluster; daemons must not inherit the descriptor.
lock()
{
	mkdir -p "$(dirname "$state")"
	exec 9>"$state.lock"
	flock 9
}

# Field 22 of /proc/PID/stat; with the pid it names a process for as long as the machine is up.
start_time()
{
	sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20
}

pid_record()
{
	echo "$2 $(start_time "$2")" >"$state/pid/$1"
}

# Prints the pid of a daemon (or the anchor) that runs. Whoever adopts an ended one may be slow to
# reap it: a zombie does not run, once its other threads, which may still hold a port, are gone.
pid_find()
{
	local pid started
	{ read -r pid started <"$state/pid/$1"; } 2>/dev/null || return 1
	[ -n "$started" ] && [ "$(start_time "$pid")" = "$started" ] || return 1
	if grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null; then
		[ "$(ls "/proc/$pid/task" 2>/dev/null | wc -l)" -gt 1 ] || return 1
	fi
	echo "$pid"
}

# Runs a command inside the cluster's namespaces; "outside" paths but /run, /var/lib, /var/log stay.
inside()
{
	local anchor
	anchor=$(pid_find anchor) || die "$state: no cluster runs here"
	nsenter --target "$anchor" --net --mount -- "$@"
}

kubectl()
{
	inside "$bin/kubectl" --kubeconfig "$kubeconfig" "$@"
}

# wait_until SECONDS WHAT COMMAND...
wait_until()
{
	local deadline=$((SECONDS + $1)) what=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$deadline" ] || die "$what did not happen in time; see $state/log"
		sleep 0.1
	done
}

# An option of the environment as it was given to "up"; one given now wins, for this start.
option()
{
	local saved=$state/option/$1
	if [ -n "${!1+set}" ]; then
		echo "${!1}"
	elif [ -r "$saved" ]; then
		cat "$saved"
	else
		echo "${2-}"
	fi
}

# Leaves the command line of a daemon in "argv".
daemon_argv()
{
	local pki=$state/pki extra
	case $1 in
	etcd)
		argv=("$bin/etcd" --data-dir "$state/etcd" --unsafe-no-fsync --logger zap --log-level warn
			--listen-client-urls http://127.0.0.1:2379
			--advertise-client-urls http://127.0.0.1:2379
			--listen-peer-urls http://127.0.0.1:2380)
		;;
	apiserver)
		read -ra extra <<<"$(option APISERVER_FLAGS)"
		argv=("$bin/kube-apiserver" --etcd-servers http://127.0.0.1:2379
			--secure-port 6443 --advertise-address "$node_ip" --cert-dir "$state/apiserver"
			--tls-cert-file "$pki/apiserver.crt" --tls-private-key-file "$pki/apiserver.key"
			--client-ca-file "$pki/ca.crt"
			--kubelet-client-certificate "$pki/admin.crt" --kubelet-client-key "$pki/admin.key"
			--kubelet-preferred-address-types InternalIP
			--service-account-issuer https://kubernetes.default.svc
			--service-account-key-file "$pki/service-account.key"
			--service-account-signing-key-file "$pki/service-account.key"
			--service-cluster-ip-range 10.0.0.0/24 --endpoint-reconciler-type none
			--authorization-mode Node,RBAC --allow-privileged=true "${extra[@]}")
		;;
	controller-manager)
		# A quota that was counted from a late cache is counted again in seconds, not in five minutes.
		argv=("$bin/kube-controller-manager" --kubeconfig "$state/controller-manager.kubeconfig"
			--service-account-private-key-file "$pki/service-account.key"
			--root-ca-file "$pki/ca.crt" --use-service-account-credentials=true
			--resource-quota-sync-period=10s --bind-address 127.0.0.1 --leader-elect=false)
		;;
	scheduler)
		argv=("$bin/kube-scheduler" --kubeconfig "$state/scheduler.kubeconfig"
			--bind-address 127.0.0.1 --leader-elect=false)
		;;
	containerd)
		argv=(containerd --config "$state/containerd.toml")
		;;
	kubelet)
		read -ra extra <<<"$(option KUBELET_FLAGS)"
		argv=("$bin/kubelet" --kubeconfig "$state/kubelet.kubeconfig"
			--config "$state/kubelet.yaml" --config-dir "$state/kubelet.conf.d"
			--root-dir "$state/kubelet" --cert-dir "$state/kubelet/pki"
			--hostname-override "$node" --node-ip "$node_ip" "${extra[@]}")
		;;
	*) die "$1: no such daemon; there are: ${daemons[*]}" ;;
	esac
}

# Starts a daemon in the cluster's namespaces and cgroup, not in that of the caller: a test case that
# restarts one must not take it along when its own cgroup is killed.
daemon_start()
{
	local argv
	! pid_find "$1" >/dev/null || die "$1 runs already"
	daemon_argv "$1"
	inside_exec "$1" "${argv[@]}" >>"$state/log/$1.log" 2>&1 </dev/null 9>&- &
	pid_record "$1" $!
	disown
}

# In a subshell of its own: becomes the command, so that $! is the daemon's pid.
inside_exec()
{
	local variable=${1^^}_TZ anchor time_zone
	shift
	anchor=$(pid_find anchor) || die "$state: no cluster runs here"
	time_zone=$(option "${variable//-/_}")
	[ -z "$time_zone" ] || export TZ=$time_zone
	unset TMPDIR # a case's goes with it; containerd's sockets of terminals are made there
	echo "$BASHPID" >"$cgroup2/$name/daemons/cgroup.procs"
	exec setsid nsenter --target "$anchor" --net --mount -- "$@"
}

daemon_ready()
{
	case $1 in
	etcd) inside bash -c ': </dev/tcp/127.0.0.1/2379' ;;
	apiserver) kubectl get --raw /readyz ;;
	controller-manager) kubectl get serviceaccount default --namespace default ;;
	scheduler) inside bash -c ': </dev/tcp/127.0.0.1/10259' ;;
	containerd) inside ctr version ;;
	kubelet) inside bash -c ': </dev/tcp/127.0.0.1/10250' && node_is_ready ;;
	esac
}

node_is_ready()
{
	[ "$(kubectl get node "$node" \
		-o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}')" = True ]
}

running()
{
	local daemon
	[ -e "$state/ready" ] || return 1
	for daemon in anchor "${daemons[@]}"; do
		pid_find "$daemon" >/dev/null || return 1
	done
}

# The mount points of all cgroup hierarchies, v1 and v2.
cgroup_hierarchies()
{
	awk '$3 ~ /^cgroup2?$/ { print $2 }' /proc/self/mounts
}

# Ends every process of the cluster, in whatever state, and removes all it left on this machine.
cluster_remove()
{
	local pids hierarchy deadline=$((SECONDS + 30))
	if [ -d "$cgroup2/$name" ]; then
		while pids=$(find "$cgroup2/$name" -name cgroup.procs -exec cat {} + 2>/dev/null) &&
			[ -n "$pids" ]; do
			[ "$SECONDS" -lt "$deadline" ] || die "processes do not end: $pids"
			# shellcheck disable=SC2086 # one pid a word
			kill -KILL $pids 2>/dev/null || true
			sleep 0.05
		done
	fi
	# A cgroup is busy for a moment after its last process has left cgroup.procs.
	for hierarchy in $(cgroup_hierarchies); do
		while [ -d "$hierarchy/$name" ] &&
			! find "$hierarchy/$name" -depth -type d -exec rmdir {} + 2>/dev/null; do
			[ "$SECONDS" -lt "$deadline" ] || die "$hierarchy/$name cannot be removed"
			sleep 0.05
		done
	done
	rm -rf --one-file-system -- "$state"
}
