import test from "ava";
import { loadOrder, parseModulesDep, selectModules } from "./kernel-modules.ts";

const modules = parseModulesDep(`kernel/lib/libcrc32c.ko.xz:
kernel/fs/erofs/erofs.ko.xz: kernel/lib/libcrc32c.ko.xz
kernel/net/802/stp.ko.xz:
kernel/net/llc/llc.ko.xz:
kernel/net/bridge/bridge.ko.xz: kernel/net/802/stp.ko.xz kernel/net/llc/llc.ko.xz
kernel/net/ceph/libceph.ko.xz: kernel/lib/libcrc32c.ko.xz
kernel/drivers/net/net_failover.ko: kernel/net/core/failover.ko
kernel/net/core/failover.ko:
kernel/drivers/net/virtio_net.ko: kernel/drivers/net/net_failover.ko kernel/net/core/failover.ko
`);

test("a module is loaded after everything it needs", (t) => {
  t.deepEqual(loadOrder(modules, ["erofs", "virtio_net"]), [
    "kernel/lib/libcrc32c.ko.xz",
    "kernel/fs/erofs/erofs.ko.xz",
    "kernel/net/core/failover.ko",
    "kernel/drivers/net/net_failover.ko",
    "kernel/drivers/net/virtio_net.ko",
  ]);
});

test("a module that is built in needs no loading", (t) => {
  t.deepEqual(loadOrder(modules, ["ext4"]), []);
});

test("directories are kept, later patterns win, and what a kept module needs stays", (t) => {
  t.deepEqual(selectModules(modules, ["net/", "-net/ceph/", "-net/802/", "drivers/net/virtio_net"]), [
    "kernel/drivers/net/net_failover.ko",
    "kernel/drivers/net/virtio_net.ko",
    "kernel/net/802/stp.ko.xz",
    "kernel/net/bridge/bridge.ko.xz",
    "kernel/net/core/failover.ko",
    "kernel/net/llc/llc.ko.xz",
  ]);
});

test("a pattern names whole path components", (t) => {
  t.deepEqual(selectModules(modules, ["net/bridge/bridg", "fs/erofs/erofs"]), [
    "kernel/fs/erofs/erofs.ko.xz",
    "kernel/lib/libcrc32c.ko.xz",
  ]);
});
