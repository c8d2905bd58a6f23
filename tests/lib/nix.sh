# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The NixOS modules, evaluated with nixpkgs' lib: where NIXPKGS_LIB says, else in ../shared/fixtures
# beside the repository. No package is built and nothing is fetched.

nix_top=$(realpath "$LIB/../..")
nix_lib=${NIXPKGS_LIB:-$(realpath -m "$nix_top/../shared/fixtures/nixpkgs-lib/lib")}
command -v nix-instantiate >/dev/null || skip "no nix-instantiate: Debian has it in nix-bin"
[ -e "$nix_lib/modules.nix" ] || skip "no nixpkgs lib: set NIXPKGS_LIB to the folder lib of nixpkgs"

# nix_instantiate EXPRESSION: its value as JSON.
nix_instantiate()
{
	nix-instantiate --option build-users-group "" --store dummy:// --eval --strict --json -E "$1"
}

# nix_evaluate WHAT [CONFIGURATION]: an attribute of tests/nix/eval.nix as JSON.
nix_evaluate()
{
	nix_instantiate "(import $nix_top/tests/nix/eval.nix {
		lib = $nix_lib; configuration = ${2-{\}}; }).$1"
}
