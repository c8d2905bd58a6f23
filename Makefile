# SPDX-License-Identifier: Apache-2.0
# weaverfs. `make help` lists the targets. BUILD=release|asan|tsan, CC=gcc|clang, V=1 shows commands.

BUILD ?= release
O     ?= build/$(BUILD)
MNT   ?= /mnt/weavers

VERSION := 0.1.0
PKGS    := fuse3 libcurl libcjson yaml-0.1 libwebsockets openssl

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual \
	-Wwrite-strings -Wformat=2 -Wundef -Wvla -Wimplicit-fallthrough -Wconversion -Wno-sign-conversion \
	-Wno-missing-field-initializers $(if $(CI),-Werror)

FLAGS_release := -O2 -fstack-protector-strong -fstack-clash-protection -fcf-protection \
	-D_FORTIFY_SOURCE=3 -fPIE
FLAGS_asan := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
FLAGS_tsan := -O1 -fno-omit-frame-pointer -fsanitize=thread
LINK_release := -pie -Wl,-z,relro,-z,now
LINK_asan := -fsanitize=address,undefined
LINK_tsan := -fsanitize=thread

CPPFLAGS += -D_GNU_SOURCE -DFUSE_USE_VERSION=314 -DWEAVERFS_VERSION='"$(VERSION)"' -I. \
	$(filter-out -I/usr/include,$(shell pkg-config --cflags $(PKGS) 2>/dev/null))
CFLAGS   += -std=gnu17 -g -fvisibility=hidden $(WARN) $(FLAGS_$(BUILD))
LDFLAGS  += $(LINK_$(BUILD))
LDLIBS   += $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lpthread

Q := $(if $(V),,@)
say = $(if $(V),,@echo "  $(1)	$(2)";)

# One static library per folder; programs and unit tests take from them what they use.
LIBDIRS  := k8s/base k8s fs
lib      = $(O)/$(subst /,-,$(1)).a
objs     = $(patsubst %.c,$(O)/%.o,$(filter-out fs/main.c,$(wildcard $(1)/*.c)))
LIBS     := $(foreach d,fs k8s k8s/base,$(call lib,$d))
PROGRAMS := $(O)/weaverfs $(O)/kubesim
UNITS    := $(patsubst tests/unit/%.c,$(O)/unit/%,$(wildcard tests/unit/test_*.c))

.PHONY: all run check check-all check-cluster unit bench lint fuzz install deps help clean
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:

all: $(PROGRAMS) ## build everything into build/$(BUILD)

$(O)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

define library
$(call lib,$(1)): $(call objs,$(1))
	$$(call say,AR,$$@)rm -f $$@ && $(AR) rcs $$@ $$^
endef
$(foreach d,$(LIBDIRS),$(eval $(call library,$d)))

$(O)/weaverfs: $(O)/fs/main.o $(LIBS)
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(O)/kubesim: $(call objs,tools/kubesim) $(call lib,k8s/base)
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(O)/unit/%: $(O)/tests/unit/%.o $(LIBS)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka

-include $(shell find $(O) -name '*.d' 2>/dev/null)
