/** Packages that only serve installing others; with what only they need they stay out of the image. */
export const cutPackages: ReadonlySet<string> = new Set([
  ...["adduser", "debconf", "dpkg", "init-system-helpers", "initramfs-tools", "linux-base", "openssl", "perl-base"],
  ...["sensible-utils", "tzdata", "ucf", "dash", "bash", "coreutils", "mawk", "gcc-14-base"],
  ...["passwd", "base-passwd", "libpam-modules", "libpam-runtime", "libcap2-bin"],
  // arpd, the one user of it, is of no use here; nor is dhcpcd's look at udev, which there is none of.
  ...["libdb5.3t64", "libudev1"],
]);

/** Files of the kept packages that nothing reads at run time. */
export const cutFiles: readonly RegExp[] = [
  /^usr\/share\/(doc|man|info|locale|lintian|bash-completion|zsh|fish|bug|initramfs-tools|perl5|ca-certificates|apparmor)\b/,
  /^(boot|etc\/(init\.d|default|cron\.\w+|logrotate\.d|apparmor\.d|ppp|dhcp|network|update-motd\.d|profile\.d|skel))\b/,
  /^etc\/(kernel|ca-certificates|ssl\/certs\/.*\.pem$|opt|depmod\.d|udhcpc|iproute2\/\w+\.d)\b/,
  /^usr\/lib\/(systemd|udev|initramfs-tools|tmpfiles\.d|sysusers\.d|NetworkManager|networkd-dispatcher|ssl|engines|dracut)\b/,
  /^usr\/lib\/x86_64-linux-gnu\/(gconv|engines-3|ossl-modules|perl|audit)\b/,
  // dhcpcd is told where its script is; the directory is its root without rights.
  /^usr\/(share\/dhcpcd|lib\/x86_64-linux-gnu\/dhcpcd|lib\/dhcpcd\/.+)/,
  /^usr\/s?bin\/(wg-quick|arpd|routel|routef|localedef|catchsegv|iconv|tzselect|zdump|update-ca-certificates)$/,
];

/** Made by package scripts, so no package lists them. */
export const madeFiles: readonly string[] = [
  ...["etc/passwd", "etc/group", "etc/shadow", "etc/gshadow", "etc/nsswitch.conf", "etc/ld.so.cache"],
  ...["etc/os-release", "usr/lib/os-release"],
  ...["etc/ssl/certs/ca-certificates.crt", "bin", "sbin", "lib", "lib64"],
];

/** Mount points and places for the overlay to grow. */
export const madeDirectories: readonly string[] = [
  ...["dev", "proc", "sys", "run", "tmp", "root", "mnt", "etc/netloom", "usr/lib/netloom", "usr/bin", "usr/sbin"],
  ...["var/cache/modules", "var/lib/misc", "var/lib/chrony", "var/log", "var/tmp"],
];

/** Kernel modules that a node may need, as `selectModules` reads them. */
export const imageModules: readonly string[] = [
  ...[
    "arch/",
    "-arch/x86/kvm/",
    "-arch/x86/events/",
    "crypto/",
    "lib/",
    "net/",
    "-net/ceph/",
    "-net/sunrpc/",
    "-net/rds/",
    "-net/tipc/",
    "-net/smc/",
  ],
  ...["-net/sctp/", "-net/9p/", "-net/netfilter/ipvs/", "-net/bluetooth/", "-net/wireless/", "-net/mac80211/"],
  ...["-net/can/", "-net/rxrpc/", "-net/atm/", "-net/dccp/", "-net/nfc/", "-net/mptcp/"],
  ...["drivers/net/", "-drivers/net/wwan/", "-drivers/net/xen-netback/", "-drivers/net/mhi_net"],
  ...["drivers/block/virtio_blk", "drivers/block/loop", "drivers/block/xen-blkfront", "drivers/nvme/host/"],
  ...["drivers/scsi/virtio_scsi", "drivers/scsi/sd_mod", "drivers/scsi/hv_storvsc", "drivers/scsi/vmw_pvscsi"],
  ...["drivers/ata/", "drivers/virtio/", "drivers/char/hw_random/", "drivers/firmware/", "drivers/hv/", "drivers/ptp/"],
  ...["drivers/watchdog/i6300esb", "fs/erofs/", "fs/overlayfs/", "fs/fat/", "fs/nls/", "fs/isofs/", "fs/fuse/"],
];

/** Modules that lead to the root file system; built-in ones may be named as well. */
export const initramfsModules: readonly string[] = ["loop", "erofs", "overlay"];

/** Applets of busybox that would offer what an image must not have, or shadow a better program. */
export const cutApplets: ReadonlySet<string> = new Set([
  ...["busybox", "dpkg", "dpkg-deb", "rpm", "rpm2cpio", "telnetd", "httpd", "crond", "crontab", "openvt", "linuxrc"],
]);
