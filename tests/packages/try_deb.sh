#!/bin/sh
# Tries the Debian package in a Debian that was booted for it, as root: installs, uses, upgrades and removes it.
# In /run: old.deb and new.deb, which differ in their version; installed.py and node_modules of trial.py; as_service.sh;
# try_scheduler.py.
exec >/dev/console 2>&1
set -eu
python=/usr/lib/dcp-evaluator/bin/python3
client=--dcp-client=/run/node_modules/dcp-client
conffile=/etc/dcp/dcp-worker/dcp-config.toml
options=/etc/dcp/dcp-evaluator-manager.conf
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive HOME=/root

step() { echo "==> $*"; }
fail() { echo "error: $*"; journalctl --quiet --no-pager --output=cat --lines=30 --unit='dcp-*'; exit 1; }
quietly() { "$@" >/run/said 2>&1 || { status=$?; cat /run/said; fail "$* exits with status $status"; }; }
refused() { if "$@" >/run/said 2>&1; then fail "$* should fail"; fi; }
install_package() { quietly apt-get install --yes --no-install-recommends --allow-downgrades "$1"; }
version() { dpkg-query --show --showformat='${Version}' dcp-evaluator; }
pid() { systemctl show --property=MainPID --value "$1"; }
as() { user=$1; shift; setpriv --reuid="$user" --regid="$user" --clear-groups "$@"; }
scheduler() {
  setpriv --reuid=dcp-scheduler --regid=dcp-scheduler --clear-groups dcp-scheduler "$@" --state /var/lib/dcp-scheduler
}
dcp() { setpriv --reuid=dcp --regid=dcp --init-groups env HOME=/var/lib/dcp "$@"; }
# All that the machine has, but for what every installation and every service leaves.
files() {
  find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /var/tmp \
    -o -path /var/log -o -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/cache/apt -o -path /var/cache/ldconfig \
    -o -path /var/cache/debconf -o -name '*-' -path '/etc/*' \) -prune -o -print | sort
  cat /etc/passwd /etc/group /etc/shadow /etc/gshadow
}
# Runs a command under all that a unit of the package restricts.
under() {
  unit=$1 try="try-$1"
  shift
  sed -e '/^ExecStart=/c\ExecStart='"$*" -e 's/^Type=.*/Type=oneshot/' \
    -e '/^\(Assert\|Exec[^S]\|Restart\|Watchdog\)/d' "/usr/lib/systemd/system/$unit" >"/run/systemd/system/$try"
  systemctl daemon-reload
  systemctl start "$try" || { journalctl --no-pager --output=cat --unit="$try"; fail "$* fails under $unit"; }
  journalctl --quiet --no-pager --output=cat --identifier=python3 --unit="$try"
}

# As every machine has it.
echo '127.0.0.1 localhost' >>/etc/hosts
files >/run/before
step 'The package is installed; its services wait'
install_package /run/old.deb
for unit in dcp-worker dcp-evaluator-manager dcp-scheduler; do
  refused systemctl is-enabled "$unit"
  refused systemctl is-active "$unit"
  quietly systemd-analyze security --no-pager --threshold=49 "$unit.service"
  tail -n 1 /run/said
done
refused systemctl start dcp-worker
echo '# mine' >>"$conffile"

step 'An ordinary user'
install --directory --owner=1000 --group=1000 /run/user-1000
as 1000 env HOME=/run/user-1000 "$python" /run/installed.py "$client"

step 'The user dcp, as he is and under what the units restrict'
quietly dcp dcp-evaluator --probe
head -n 1 /run/said
for unit in dcp-worker dcp-evaluator-manager; do
  under "$unit.service" "$python" -c \
    "'import sys; sys.path.append(\"/run\"); import installed; installed.probe()'"
done

step 'dcp-worker.service works for a scheduler'
quietly dcp dcp-worker setup --from /run/node_modules/dcp-client --new-account
quietly "$python" -m dcp_worker.demo --size=512 --deadline=300 --worker='sh /run/as_service.sh' --output=/run/demo.png "$client"
journalctl --quiet --no-pager --unit=dcp-worker --lines=3 --output=cat

step 'dcp-evaluator-manager.service has the evaluators of another worker'
# --always: what is printed here goes to a terminal, and so somebody uses the machine.
sed -i 's|^OPTIONS=.*|OPTIONS="--always -- '"$client"' -- --priority normal"|' "$options"
quietly systemctl enable --now dcp-evaluator-manager
quietly as 1000 env HOME=/run/user-1000 "$python" -m dcp_worker.demo --size=512 --deadline=300 \
  --worker='dcp-worker --hostname localhost --port 9000' --output=/run/user-1000/demo.png "$client"

step 'dcp-scheduler.service is a network'
job() {
  quietly as 1000 env HOME=/run/user-1000 SSL_CERT_FILE=/etc/dcp/server.pem \
    "$python" /run/try_scheduler.py "$1" /run/node_modules/dcp-client
}
quietly openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
  -addext subjectAltName=DNS:localhost -keyout /etc/dcp/server.key -out /etc/dcp/server.pem
chgrp dcp-scheduler /etc/dcp/server.key
chmod 640 /etc/dcp/server.key
quietly systemctl enable --now dcp-scheduler
job http://127.0.0.1:9800/
sed -i 's|^OPTIONS=.*|OPTIONS="--listen 0.0.0.0:443 --tls /etc/dcp/server.pem /etc/dcp/server.key"|' /etc/dcp/dcp-scheduler.conf
quietly systemctl restart dcp-scheduler
quietly systemctl reload dcp-scheduler
job https://localhost/
quietly scheduler audit
scheduler account list
[ "$(stat --format='%U %a' /var/lib/dcp-scheduler)" = 'dcp-scheduler 700' ] || fail 'its state is open to others'
sed -i 's|^OPTIONS=.*|OPTIONS=""|' /etc/dcp/dcp-scheduler.conf
rm /etc/dcp/server.*
quietly systemctl restart dcp-scheduler

step 'Upgrade, downgrade, upgrade'
for package in new old new; do
  was=$(version) pid=$(pid dcp-evaluator-manager)
  quietly scheduler account list
  install_package "/run/$package.deb"
  echo "$was -> $(version)"
  [ "$was" != "$(version)" ] || fail 'the version is the same'
  systemctl is-active dcp-evaluator-manager dcp-scheduler >/dev/null || fail 'the services do not run'
  [ "$pid" != "$(pid dcp-evaluator-manager)" ] || fail 'the service was not started again'
  refused systemctl is-active dcp-worker
  grep --quiet '^# mine' "$conffile" && grep --quiet node_modules "$options" || fail 'the configuration is not kept'
  quietly dcp dcp-evaluator --probe
done

step 'Removed, with and without what it knows'
quietly apt-get remove --yes dcp-evaluator
refused systemctl is-active dcp-evaluator-manager
[ -e "$conffile" ] && [ -e /var/lib/dcp/.dcp/default.keystore ] && [ -e /var/lib/dcp-scheduler/scheduler.key ] || fail 'what it knows is not kept'
quietly apt-get purge --yes dcp-evaluator
files >/run/after
diff /run/before /run/after || fail 'the purge leaves something'
step 'All of it passed'
