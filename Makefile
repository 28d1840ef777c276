# Two commands do everything on a fresh Debian machine with Swift 6.3:  make demo   and   make test
SHELL := /bin/bash
PREFIX ?= /usr/local
DESTDIR ?=
MANUAL := $(PREFIX)/share/man
COMPLETIONS := $(PREFIX)/share/bash-completion/completions
SWIFT ?= swift
BUILD := .build/release
PROGRAMS := anomalyd anomalyctl anomalylab
PUBLISHERS := .build/publishers
# The same for tests and lint, so that what one has built the other uses.
CHECKED := --explicit-target-dependency-import-check error
PACKAGES := libzmq3-dev libopenblas-dev libsimdjson-dev libsystemd-dev libsqlite3-dev zlib1g-dev libpng-dev pkg-config

.PHONY: all build deps demo demo-live test test-slow interop boot docs lint format bench bench-build install uninstall deb clean

all: build

# Installs what is missing, as root or through sudo; silent when nothing is.
deps:
	@missing=$$(for p in $(PACKAGES); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
	if [ -n "$$missing" ]; then \
	  as_root=; [ "$$(id -u)" = 0 ] || as_root=sudo; \
	  echo "installing: "$$missing; \
	  $$as_root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$as_root apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi
	@command -v $(SWIFT) >/dev/null || { echo "make: no swift on the PATH: install the Swift 6.3 toolchain from swift.org" >&2; exit 69; }

build: deps
	$(SWIFT) build -c release

demo: build
	$(BUILD)/anomalylab demo

demo-live: build
	$(BUILD)/anomalylab demo --live

# What failed is said once more at the end, where it is looked for among thousands of lines.
test: deps
	$(SWIFT) build --build-tests $(CHECKED)
	@$(SWIFT) test --skip-build --no-parallel 2>&1 | tee .build/test.log; status=$${PIPESTATUS[0]}; \
	[ $$status = 0 ] || { echo; echo "make test: what failed:"; grep -E '^✘|error:' .build/test.log | cut -c1-600; }; exit $$status

# The laws of all models of the suite, not only of a few of each family: a few minutes.
test-slow: deps
	$(SWIFT) build --build-tests $(CHECKED)
	ANOMALYD_SLOW=1 $(SWIFT) test --skip-build --no-parallel --filter GenerativeTests

# Feeds running daemons from circus, Glances and rsyslog as their makers ship them: a few minutes, and not part of `test`.
interop: PACKAGES += rsyslog rsyslog-czmq python3-venv
interop: deps
	@test -x $(PUBLISHERS)/bin/circusd -a -x $(PUBLISHERS)/bin/glances || { rm -rf $(PUBLISHERS); \
	  python3 -m venv $(PUBLISHERS) && $(PUBLISHERS)/bin/pip install --quiet circus pyzmq glances; }
	ANOMALYD_INTEROP=1 $(SWIFT) test -c release --filter PublisherTests

# The pages of all modules, from what is said in the sources, by DocC; links that lead nowhere are errors.
docs: deps
	SWIFT=$(SWIFT) config/docs/build .build/docs

lint: deps
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests
	$(SWIFT) build --build-tests $(CHECKED)
	$(SWIFT) test --skip-build --filter ArchitectureTests

format:
	$(SWIFT) format format --in-place --recursive Package.swift Sources Tests

bench: build
	$(BUILD)/anomalylab bench

# How long the numeric modules take to compile for release: from nothing, and after a comment in a layer was touched.
# In a copy, so that neither sources nor builds of this folder change.
bench-build: FOLDER := $(CURDIR)/.build/bench-build
bench-build: deps
	@rm -rf $(FOLDER) && mkdir -p $(FOLDER) && cp -r Package.swift Package.resolved Sources Tests $(FOLDER)/
	@cd $(FOLDER) && $(SWIFT) package resolve >/dev/null 2>&1; \
	numeric() { local from=$$(date +%s.%N); $(SWIFT) build -c release --target Networks >build.log 2>&1 || { cat build.log >&2; exit 1; }; \
	  awk -v what="$$1" -v from=$$from -v to=$$(date +%s.%N) -v most="$$2" \
	    'BEGIN { printf "%s: %.1f s (less than %d s wanted)\n", what, to - from, most; exit to - from >= most }'; }; \
	numeric "a clean build of Tensors, Gradients and Networks" 60 && \
	echo "// A comment." >> Sources/Networks/Layers/Dense.swift && \
	numeric "a comment touched in a layer" 15
	@rm -rf $(FOLDER)

# A Debian package that needs no Swift on the machine it goes to. Complaints of lintian are errors where it is installed.
deb: PACKAGES += dpkg-dev binutils
deb: deps
	$(SWIFT) build -c release --static-swift-stdlib --disable-local-rpath --scratch-path .build/deb -Xswiftc -no-toolchain-stdlib-rpath
	config/deb/build .build/deb/release .build
	@if command -v lintian >/dev/null; then lintian --fail-on error,warning .build/anomalyd_*.deb; fi

# The package on a true systemd, booted in a container: installed, started, hung, killed, stopped, removed. Needs root.
boot: PACKAGES += dpkg-dev binutils debootstrap systemd-container
boot: deb
	Tests/Boot/boot $$(ls -t .build/anomalyd_*.deb | head -1) .build/boot

install: build
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)/etc/anomalyd $(DESTDIR)/lib/systemd/system \
	  $(DESTDIR)/usr/lib/sysusers.d $(DESTDIR)/usr/lib/tmpfiles.d $(DESTDIR)/usr/lib/systemd/catalog
	install -m 0755 $(addprefix $(BUILD)/,$(PROGRAMS)) $(DESTDIR)$(PREFIX)/bin/
	install -d $(DESTDIR)$(MANUAL)/man1 $(DESTDIR)$(MANUAL)/man8 $(DESTDIR)$(COMPLETIONS)
	for program in $(PROGRAMS); do \
	  section=1; [ $$program = anomalyd ] && section=8; \
	  $(BUILD)/$$program --experimental-dump-help | $(BUILD)/anomalylab manual --section $$section \
	    > $(DESTDIR)$(MANUAL)/man$$section/$$program.$$section && \
	  $(BUILD)/$$program --generate-completion-script bash > $(DESTDIR)$(COMPLETIONS)/$$program || exit 1; \
	done
	test -e $(DESTDIR)/etc/anomalyd/anomalyd.yaml || install -m 0644 config/anomalyd.yaml $(DESTDIR)/etc/anomalyd/
	sed 's|/usr/bin/|$(PREFIX)/bin/|g' systemd/anomalyd.service > $(DESTDIR)/lib/systemd/system/anomalyd.service
	chmod 0644 $(DESTDIR)/lib/systemd/system/anomalyd.service
	install -m 0644 systemd/anomalyd.sysusers $(DESTDIR)/usr/lib/sysusers.d/anomalyd.conf
	install -m 0644 systemd/anomalyd.tmpfiles $(DESTDIR)/usr/lib/tmpfiles.d/anomalyd.conf
	install -m 0644 systemd/anomalyd.catalog $(DESTDIR)/usr/lib/systemd/catalog/
	test -n "$(DESTDIR)" || ! command -v journalctl >/dev/null || journalctl --update-catalog

uninstall:
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/bin/,$(PROGRAMS)) $(addprefix $(DESTDIR)$(COMPLETIONS)/,$(PROGRAMS)) \
	  $(DESTDIR)$(MANUAL)/man8/anomalyd.8 $(DESTDIR)$(MANUAL)/man1/anomalyctl.1 $(DESTDIR)$(MANUAL)/man1/anomalylab.1 $(DESTDIR)/lib/systemd/system/anomalyd.service \
	  $(DESTDIR)/usr/lib/sysusers.d/anomalyd.conf $(DESTDIR)/usr/lib/tmpfiles.d/anomalyd.conf \
	  $(DESTDIR)/usr/lib/systemd/catalog/anomalyd.catalog

clean:
	$(SWIFT) package clean
