#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# First process of the virtual machine, from its initial file system: makes the host's root the machine's own and goes
# on as guest.py there. What the machine writes stays in its memory. Where anything fails, this process ends, and the
# kernel and QEMU with it.
set -eu
/bin/busybox --install /bin
export PATH=/bin
mount -t devtmpfs dev /dev
exec >/dev/console 2>&1
mount -t proc proc /proc
mount -t sysfs sys /sys
while read -r module; do insmod "/modules/$module"; done </modules/order

mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=512000 host /host
mount -t tmpfs changes /changes
mkdir /changes/upper /changes/work
mount -t overlay -o lowerdir=/host,upperdir=/changes/upper,workdir=/changes/work root /root
for tree in dev proc sys; do mount --move "/$tree" "/root/$tree"; done
mount -t tmpfs run /root/run

agent=$(cat /agent)
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
exec switch_root /root /usr/bin/python3 -B "$agent"
