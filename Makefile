# SPDX-License-Identifier: Apache-2.0
# weaverfs. `make help` lists the targets. BUILD=release|asan|tsan, CC=gcc|clang, V=1 shows commands.

BUILD  ?= release
# Empty is as not given: what is built never lands in /. One directory has one name, else what make
# has read of *.d is about other files than those it makes.
override O := $(patsubst $(CURDIR)/%,%,$(or $(strip $(O)),build/$(BUILD)))
MNT    ?= /mnt/weavers
PREFIX ?= /usr/local
SBINDIR ?= $(PREFIX)/sbin
SYSCONFDIR ?= /etc
UNITDIR ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
FUZZ_SECONDS ?= 10
DEB    ?= $(dir $(O))

VERSION := 0.1.0
PKGS    := fuse3 libcurl libcjson yaml-0.1 libwebsockets openssl

# Debian packages: to build it, as a package too, and to try it; to check the form, and to run the cases without and with a cluster.
DEPS := gcc libc6-dev make pkg-config git libfuse3-dev libcurl4-openssl-dev libcjson-dev libyaml-dev \
	libwebsockets-dev libssl-dev libbpf-dev libelf-dev zlib1g-dev bpftool llvm clang fuse3 bubblewrap dpkg-dev
TEST_DEPS := libcmocka-dev libclang-rt-14-dev clang-format \
	jq curl openssl python3 inotify-tools iproute2 procps util-linux \
	busybox-static containerd runc containernetworking-plugins iptables \
	rsync less entr vim-tiny htop tmux nix-bin groff-base mmdebstrap buildah

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual \
	-Wwrite-strings -Wformat=2 -Wundef -Wvla -Wimplicit-fallthrough -Wconversion -Wno-sign-conversion \
	-Wno-missing-field-initializers $(if $(CI),-Werror)

# $(call takes,OPTION): it, where this compiler has it for this processor.
takes = $(shell $(CC) -Werror $(1) -S -o - -x c /dev/null >/dev/null 2>&1 && echo $(1))
FLAGS_release := -O2 -fstack-protector-strong -fstack-clash-protection $(call takes,-fcf-protection) \
	-D_FORTIFY_SOURCE=3 -fPIE
FLAGS_asan := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
FLAGS_tsan := -O1 -fno-omit-frame-pointer -fsanitize=thread
FLAGS_fuzz := $(FLAGS_asan) -fsanitize=fuzzer-no-link
LINK_release := -pie -Wl,-z,relro,-z,now

# CPPFLAGS, CFLAGS, LDFLAGS and LDLIBS are the caller's; they come after ours.
cppflags := -D_GNU_SOURCE -DFUSE_USE_VERSION=314 -DWEAVERFS_VERSION='"$(VERSION)"' -I. \
	$(filter-out -I/usr/include,$(shell pkg-config --cflags $(PKGS) 2>/dev/null)) $(CPPFLAGS)
cflags   := -std=gnu17 -g -fvisibility=hidden $(WARN) $(FLAGS_$(BUILD)) $(CFLAGS)
ldflags  := $(LINK_$(BUILD)) $(LDFLAGS)
ldlibs   := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lpthread $(LDLIBS)

say = $(if $(V),,@echo "  $(1)	$(2)";)
link = $(CC) $(cflags) $(ldflags) -o $@ $^ $(ldlibs)
# A make for targets that take long: on all processors, unless the caller has said on how many.
again = $(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-O -j$(shell nproc))
# The same tree built another way: $(call other,asan) TARGET
other = $(again) BUILD=$(1) O=$(dir $(O))$(1)
# Runs each of $(2); shows what those that fail say; 77 is a skip. $(1) names the lot.
define each
@n=0; bad=; skip=; for t in $(2); do \
	out=$$(O=$(O) "$$t" 2>&1); r=$$?; n=$$((n + 1)); \
	[ $$r -eq 0 ] && continue; printf '%s: %s\n' "$$t" "$$out"; \
	[ $$r -eq 77 ] && skip="$$skip $${t##*/}" || bad="$$bad $${t##*/}"; \
done; echo "$(1): $$n run, failed:$${bad:- none}$${skip:+, skipped:$$skip}"; [ $$n -gt 0 ] && [ -z "$$bad" ]
endef

# $(call unit,MOUNTPOINT,ARGUMENTS,ENVFILE): the unit of one mount, from the one text for all.
unit = sed -e 's,@mountpoint@,$(1),' -e 's,@arguments@,$(2),' -e 's,@envfile@,$(3),' \
	-e 's,@bindir@,$(PREFIX)/bin,' -e 's,@sysconfdir@,$(SYSCONFDIR),' tools/packaging/weaverfs.service.in

# One static library per folder; programs and unit tests take from them what they use.
LIBDIRS  := k8s/base k8s fs sidecar
lib      = $(O)/$(subst /,-,$(1)).a
objs     = $(patsubst %.c,$(O)/%.o,$(filter-out fs/main.c sidecar/main.c %.bpf.c,$(wildcard $(1)/*.c $(if $(filter fs,$(1)),fs/*/*.c))))
LIBS     := $(foreach d,fs k8s k8s/base,$(call lib,$d))
# The programs that the kernel runs, each object made into a header that images.c takes in.
SKELS    := $(patsubst sidecar/%.bpf.c,$(O)/skel/%.skel.h,$(wildcard sidecar/*.bpf.c))
# The sidecar is an image of one file; a sanitizer needs the C library at run time.
STATIC   := $(if $(filter release,$(BUILD)),-static)
SIDECAR  := $(call lib,sidecar) $(call lib,k8s/base)
INSTALLED := $(O)/weaverfs $(O)/kubesim $(O)/weaver $(O)/weaver-cluster
PROGRAMS := $(INSTALLED) $(O)/audit-sidecar # which is an image
# What the audit is tested with: who does one of everything, who says what was seen of it.
ORACLES  := $(O)/audit-load $(O)/audit-watch
UNITS    := $(patsubst tests/unit/%.c,$(O)/unit/%,$(wildcard tests/unit/test_*.c))
COMPLETIONS := bash-completion/completions/weaver zsh/$(if $(filter /usr,$(PREFIX)),vendor-completions,site-functions)/_weaver \
	fish/vendor_completions.d/weaver.fish
FUZZERS  := $(patsubst tests/fuzz/%.c,$(O)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

.PHONY: all run check check-all check-cluster unit bench lint fuzz fuzzers install deb deps help clean
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.PRECIOUS: $(O)/%.o $(O)/%.bpf.o

all: $(PROGRAMS) $(call lib,sidecar) $(ORACLES) ## build everything into build/$(BUILD)

# What needs packages starts make again after deps: pkg-config has been asked above by then.
run: deps ## try it: a simulated cluster, mounted at $(MNT)
	+@$(again) all
	@O=$(O) MNT=$(MNT) tools/run-mount
check: deps ## install packages, build, run lint, unit tests and cases
	+@$(again) all
	+@$(call other,asan) all
	@O=$(O) tests/run
check check-all check-cluster: DEPS += $(TEST_DEPS)
check-all: DEPS += qemu-system-x86 cpio
check-all: deps ## check, and tsan, guests, fuzzers and the long cases
	+@$(again) all
	+@$(call other,asan) all
	+@$(call other,tsan) all
	@O=$(O) tests/run --all
check-cluster: deps ## the cases on a real Kubernetes (needs Go >= 1.24)
	+@$(again) all
	@O=$(O) tests/run --cluster real
unit: $(UNITS) ## unit tests alone
	$(call each,unit,$(UNITS))
lint: all $(O)/bench/nothing ## rules of style and form
	$(call each,lint,$(wildcard tests/lint/*.sh))
fuzz: ## each fuzzer for FUZZ_SECONDS (10)
	+@$(call other,fuzz) CC=clang fuzzers
fuzzers: $(FUZZERS)
	@tests/fuzz/run $(FUZZ_SECONDS) $(FUZZERS)
bench: all $(O)/bench/nothing ## ratios against other ways to the same result
	@O=$(O) tools/bench/run
install: $(INSTALLED) ## below $(DESTDIR): programs in $(PREFIX), units, manual pages, manifests
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/bin $(INSTALLED)
	install -d $(addprefix $(DESTDIR)$(PREFIX)/share/,$(dir $(COMPLETIONS)))
	$(foreach f,$(COMPLETIONS),$(O)/weaver completion $(firstword $(subst -, ,$(subst /, ,$f))) >$(DESTDIR)$(PREFIX)/share/$f &&) :
	install -D -m 755 -t $(DESTDIR)$(SBINDIR) tools/packaging/mount.weaverfs
	ln -sf mount.weaverfs $(DESTDIR)$(SBINDIR)/mount.fuse.weaverfs
	for page in docs/man/*; do \
		install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man$${page##*.} "$$page" || exit; done
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/weaverfs/manifests k8s/manifests/*.yaml
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/weaverfs/manifests/optional k8s/manifests/optional/*.yaml
	install -d $(DESTDIR)$(UNITDIR)
	$(call unit,/mnt/weavers,,weaverfs.env) >$(DESTDIR)$(UNITDIR)/weaverfs.service
	$(call unit,/mnt/weavers-%i,-o namespace=%i ,weaverfs-%i.env) >$(DESTDIR)$(UNITDIR)/weaverfs@.service
	install -D -m 644 tools/packaging/weaverfs.sysusers $(DESTDIR)$(SYSUSERSDIR)/weaverfs.conf
	install -D -m 644 tools/packaging/weaverfs.tmpfiles $(DESTDIR)$(TMPFILESDIR)/weaverfs.conf
deb: $(INSTALLED) ## a Debian package of it in DEB (build/)
	tools/packaging/deb $(O) $(VERSION) $(DEB)
deps: ## install the Debian packages that building it needs
	@missing=$$(for p in $(DEPS); do dpkg-query -W -f '$${db:Status-Status}\n' $$p 2>/dev/null \
		| grep -qx installed || echo $$p; done); [ -z "$$missing" ] && exit; set -e; \
	echo "installing" $$missing; export DEBIAN_FRONTEND=noninteractive; \
	apt-get update -qq; apt-get install -y -qq --no-install-recommends $$missing
help: ## this list
	@sed -n 's/^\([a-z-]*\):.* ## /\1	/p' Makefile | expand -t 16
clean: ## remove all builds
	rm -rf $(patsubst build/%,build,$(O))

$(O)/%.bpf.o: %.bpf.c Makefile
	@mkdir -p $(@D)
	$(call say,BPF,$<)clang -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_x86 -I. -I/usr/include/$(shell uname -m)-linux-gnu \
		-Wall -Wextra -Wno-unused-parameter -Wno-gnu-variable-sized-type-not-at-end $(if $(CI),-Werror) \
		-MMD -MP -c -o $@ $< && llvm-strip -g $@

# bpftool writes to stdout also what it could not finish
$(O)/skel/%.skel.h: $(O)/sidecar/%.bpf.o
	@mkdir -p $(@D)
	$(call say,SKEL,$@)PATH=$$PATH:/usr/sbin bpftool gen skeleton $< name $*_bpf >$@.new && mv $@.new $@

$(O)/sidecar/images.o: $(SKELS)
$(O)/sidecar/images.o: cppflags += -isystem $(O)/skel

$(O)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(cppflags) $(cflags) -MMD -MP -c -o $@ $<

define library
$(call lib,$(1)): $(call objs,$(1))
	$$(call say,AR,$$@)rm -f $$@ && $(AR) rcs $$@ $$^
endef
$(foreach d,$(LIBDIRS),$(eval $(call library,$d)))

$(O)/weaverfs: $(O)/fs/main.o $(LIBS)
	$(call say,LD,$@)$(link)

$(O)/kubesim: ldlibs += -lz
$(O)/kubesim: $(call objs,tools/kubesim) $(call lib,k8s/base)
	$(call say,LD,$@)$(link)

# Started for each command in a weaver, and copied into containers: the C library and nothing else.
$(O)/weaver: ldlibs := $(LDLIBS)
$(O)/weaver: $(call objs,tools) $(call lib,k8s/base)
	$(call say,LD,$@)$(link)

$(O)/audit-sidecar: ldflags := $(STATIC) $(LDFLAGS)
$(O)/audit-sidecar: ldlibs := -lbpf -lelf -lssl -lcrypto -lz $(LDLIBS)
$(O)/audit-sidecar: $(O)/sidecar/main.o $(SIDECAR)
	$(call say,LD,$@)$(link)

$(ORACLES): ldflags := $(STATIC) $(LDFLAGS)
$(ORACLES): ldlibs := -lbpf -lelf -lz $(LDLIBS)
$(O)/audit-load: $(call objs,tools/audit-load)
	$(call say,LD,$@)$(link)

$(O)/audit-watch: $(call objs,tests/audit) $(SIDECAR)
	$(call say,LD,$@)$(link)

# doctor and setup, which talk to the API server.
$(O)/weaver-cluster: $(call objs,tools/cluster) $(filter-out $(O)/tools/weaver.o,$(call objs,tools)) \
	$(filter-out $(call lib,fs),$(LIBS))
	$(call say,LD,$@)$(link)
$(O)/tools/cluster/manifests.o: $(wildcard k8s/manifests/*.yaml)

$(O)/bench/%: $(O)/tools/bench/%.o
	@mkdir -p $(@D)
	$(call say,LD,$@)$(link)

$(O)/unit/%: $(O)/tests/unit/%.o $(call lib,sidecar) $(LIBS)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(link) -lcmocka -lbpf -lz

$(O)/fuzz/%: $(O)/tests/fuzz/%.o $(call lib,sidecar) $(LIBS)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(link) -fsanitize=fuzzer -lz

-include $(shell find $(O) -name '*.d' 2>/dev/null)
