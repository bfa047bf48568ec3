#!/bin/busybox sh
# PID 1 of the emulated machine. Loads KVM, lays a writable overlay in memory over the host's whole file
# system (shared read-only over 9p), and runs one command there. `results` is the only thing it can change
# outside: what is written into it stays, the command's exit code among it.
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
while read -r module; do insmod "/modules/$module.ko" || echo "cannot load $module"; done < /modules/order

share="trans=virtio,version=9p2000.L,msize=512000"
mkdir -p /host /upper /root
mount -t 9p -o "$share,ro,cache=loose" host /host
mount -t tmpfs -o size=75% tmpfs /upper
mkdir /upper/files /upper/work
mount -t overlay -o lowerdir=/host,upperdir=/upper/files,workdir=/upper/work overlay /root
mount -t tmpfs tmpfs /root/run
mkdir -p /root/run/zeroboot-results
mount -t 9p -o "$share,cache=none" results /root/run/zeroboot-results
for tree in dev proc sys; do mount --move "/$tree" "/root/$tree"; done
mkdir -p /root/dev/pts /root/dev/shm
mount -t devpts devpts /root/dev/pts
mount -t tmpfs tmpfs /root/dev/shm
ip link set lo up
# Only a machine that is to be reached has a network: QEMU's, whose addresses are these.
if [ -e /sys/class/net/eth0 ] || [ -e /root/sys/class/net/eth0 ]; then
  ip addr add 10.0.2.15/24 dev eth0
  ip link set eth0 up
fi
ulimit -n 65536
exec switch_root /root /bin/sh /run/zeroboot-results/run.sh
