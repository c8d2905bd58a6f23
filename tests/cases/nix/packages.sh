#!/bin/bash
# flake.nix offers the packages of the deployment guide; the weaver's image has the user and the tools of it.
# cluster: sim
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"
. "$LIB/nix.sh"

nix_instantiate "import $nix_top/tests/nix/packages.nix { lib = $nix_lib; }" >packages
value()
{
	jq -r "$1" packages
}
assert_eq 'audit-sidecar-image default weaver-image weaverfs' "$(value '.names | join(" ")')"
assert_eq 'default loom-k3s loom-server-weaver weaverfs' "$(value '.modules | join(" ")')"
assert_eq "weaverfs $(value .version)" "$("$WEAVERFS" --version)"
assert_eq loom-weaver:latest "$(value '.weaver.name + ":" + .weaver.tag')"
assert_eq '["/entrypoint.sh"] 1000:1000 /workspace' \
	"$(value '.weaver.config | (.Entrypoint | tojson) + " " + .User + " " + .WorkingDir')"
for variable in HOME=/home/loom USER=loom TERM=xterm-256color; do
	value '.weaver.config.Env[]' | grep -qxF "$variable"
done
value '.weaver.config.Env[]' | grep -q '^SSL_CERT_FILE=/.*\.crt$'
for tool in git curl gh tmux jq btop neovim coreutils bash direnv; do
	value '.weaver.contents[]' | grep -q "^$tool" || fail "$tool: not in the image"
done
assert_eq 'loom-audit-sidecar:latest ["/bin/audit-sidecar"]' \
	"$(value '.sidecar | .name + ":" + .tag + " " + (.config.Entrypoint | tojson)')"
value .vm | python3 -c 'import ast, sys; ast.parse(sys.stdin.read())'
# What the package installs goes where the modules look for it, and nowhere outside of it.
value '.makeFlags[]' >flags
mapfile -t flags < <(sed "s,\$(out),/out," flags)
make -s -C "$nix_top" "O=$O" "${flags[@]}" "DESTDIR=$W/image" install >made 2>&1 || fail "$(cat made)"
assert_eq out "$(ls image)"
for file in bin/weaverfs share/weaverfs/manifests/namespace.yaml share/weaverfs/manifests/policy.yaml \
	lib/systemd/system/weaverfs.service; do
	[ -e "image/out/$file" ] || fail "$file: not installed"
done
