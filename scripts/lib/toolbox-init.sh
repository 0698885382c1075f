#!/bin/sh
# First program inside the toolbox. A sysfs and a cgroup2 mounted in here show this network namespace and the
# control groups of this session, on every host; those of the host would show the host's. Where a container forbids
# such mounts, what bwrap bound stays in place.
if mount -t sysfs sysfs /sys 2>/dev/null; then
    mount -t cgroup2 cgroup2 /sys/fs/cgroup 2>/dev/null
fi
exec "$@"
