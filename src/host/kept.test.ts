import test from "ava";
import { keptBy } from "./kept.ts";

const MOUNTS = String.raw`21 1 0:20 / / rw,relatime shared:1 - overlay overlay rw,lowerdir=/lower,upperdir=/upper/data
30 21 0:25 / /run rw,nosuid - tmpfs run rw,mode=755
31 21 8:0 / /var/cache/modules rw,noatime - ext4 /dev/vda rw
32 21 8:16 / /mnt/with\040blank rw - xfs /dev/vdb rw
33 21 0:30 / /srv rw - nfs4 192.0.2.1:/export rw
34 30 8:32 / /run/disk rw - ext4 /dev/vdc rw
`;

test("a disk is named, memory is called so, and the nearest mount decides", (t) => {
  const kept = (directory: string, appliance = true): string => keptBy(MOUNTS, directory, appliance);
  t.is(kept("/var/cache/modules/network"), "on disk /dev/vda");
  t.is(kept("/var/cache/modulesque"), "in memory");
  t.is(kept("/run/netloom"), "in memory");
  t.is(kept("/run/disk"), "on disk /dev/vdc");
  t.is(kept("/mnt/with blank/x"), "on disk /dev/vdb");
  t.is(kept("/srv/x"), "on 192.0.2.1:/export (nfs4)");
  // What is below an overlay elsewhere, this cannot know.
  t.is(kept("/var/lib", false), "on overlay (overlay)");
});
