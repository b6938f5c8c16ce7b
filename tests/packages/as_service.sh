#!/bin/sh
# For the worker's demo: a worker that is dcp-worker.service. Its options go into the configuration in /etc/dcp; it runs
# until SIGTERM, which stops the service. Exits with the service's status.
set -eu
configuration=/etc/dcp/dcp-worker/dcp-config.toml

option() {
  name=$1
  shift
  for argument in "$@"; do
    case $argument in "--$name="*) echo "${argument#*=}" ;; esac
  done
}

cp "$configuration" /run/configuration
trap 'cp /run/configuration "$configuration"' EXIT
cat >"$configuration" <<END
scheduler.location = "$(option dcp-scheduler "$@")"
worker.paymentAddress = "$(option paymentAddress "$@")"
worker.cores = { cpu = 2, gpu = 1 }
node.priority = "normal"
END
systemctl start dcp-worker
trap 'systemctl stop dcp-worker' INT TERM
while systemctl --quiet is-active dcp-worker; do sleep 0.2; done
journalctl --quiet --no-pager --unit=dcp-worker
exit "$(systemctl show --property=ExecMainStatus --value dcp-worker)"
