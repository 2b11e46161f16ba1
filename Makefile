# camera-backup: `make` lists what there is. Every target does its own set-up and says what it installs.

PYTEST = .venv/bin/python -m pytest
export CAMERA_BACKUP_RCLONE ?= $(CURDIR)/.build/peers/bin/rclone
export CAMERA_BACKUP_SWIFT_BIN ?= $(CURDIR)/.build/swift/bin
export CAMERA_BACKUP_ANSIBLE ?= $(CURDIR)/.build/ansible/bin
# The recorder is tested with the system's FFmpeg (fragmented, remuxed) and with 7.1 (hybrid).
export CAMERA_BACKUP_FFMPEGS ?= ffmpeg:$(CURDIR)/.build/ffmpeg-7.1/bin/ffmpeg

.PHONY: help demo demo-local test lint unit integration molecule bench bench-faults bench-fleet soak docs clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */\1\t/' | expand -t 14

demo:  ## a fleet on this machine: playbooks → hosts → bucket → proof; ARGS=--keep leaves it running
	@tools/setup fleet
	@.venv/bin/python -m tools.demo.fleet $(ARGS)

demo-local:  ## two simulated cameras → record → upload → proof, without containers, in about two minutes
	@tools/setup demo
	@.venv/bin/python -m tools.demo.local $(ARGS)

test:  ## everything CI runs: lint, types, unit and integration tests, the role on real hosts; ARGS picks tests only
	@tools/setup test
	@$(MAKE) --no-print-directory lint
	$(PYTEST) $(ARGS)
	@$(if $(ARGS),,$(MAKE) --no-print-directory molecule)

lint:  ## style, types, Python 3.8, playbooks
	@tools/setup test
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/vermin --quiet --target=3.8- --no-tips --violations camera_backup
	.build/ansible/bin/yamllint --strict .
	.build/ansible/bin/ansible-lint --offline --profile production site.yml playbooks roles inventory molecule/shared tools/demo/*.yml \
		benchmarks/fleet/plain.yml

unit:  ## the pure core only (seconds)
	@tools/setup test
	$(PYTEST) tests/unit $(ARGS)

integration:  ## real FFmpeg, RTSP, S3 and browsers
	@tools/setup test
	$(PYTEST) tests/integration $(ARGS)

molecule:  ## the role on real Debian hosts in containers; ARGS="-s fleet" picks a scenario
	@tools/setup fleet
	PATH="$(CURDIR)/.build/ansible/bin:$$PATH" molecule test $(or $(ARGS),--all)

bench:  ## side by side with rclone, s5cmd, aws and curl; prints tables
	@tools/setup bench
	@.venv/bin/python -m benchmarks $(ARGS)

bench-faults:  ## who loses footage under which fault: rclone, s5cmd and aws beside ours; prints two tables
	@tools/setup bench
	@.venv/bin/python -m benchmarks.faults $(ARGS)

bench-fleet:  ## Ansible by cameras and by hosts, beside loops; ARGS="--cameras 1,16 --hosts 1,10" is short
	@tools/setup fleet
	@.venv/bin/python -m benchmarks.fleet $(ARGS)

soak:  ## a seeded storm of faults, every frame accounted for; ARGS="--minutes 5 --cameras 4 --seed 1"
	@tools/setup demo
	@.venv/bin/python -m tools.soak $(ARGS)

docs:  ## regenerate what is generated in docs/
	@tools/setup test
	.venv/bin/camera-backup schema --format reference > docs/configuration.md
	.venv/bin/camera-backup schema --format template > camera_backup/templates/config.yaml
	.venv/bin/python -m tools.fleet_docs

clean:  ## remove environments and caches
	rm -rf .venv .build .mypy_cache .pytest_cache .ruff_cache .hypothesis dist
