import { readConfig } from "./config.ts";
import { note, type ReadWord } from "./draft.ts";
import { addInterface } from "./interfaces.ts";
import { addBond, addBridge, addRename, addVlan } from "./links.ts";
import { isRefusal, refuse } from "./refusal.ts";
import * as values from "./values.ts";

/** Each word of ours by its key. */
export const KEYS: Readonly<Record<string, ReadWord>> = {
  ip: addInterface,
  nameserver: values.addNameservers,
  "rd.route": values.addRoute,
  "rd.peerdns": values.setPeerDns,
  "rd.bootif": values.setUsesBootif,
  vlan: once("vlans", addVlan),
  bond: once("bonds", addBond),
  bridge: once("bridges", addBridge),
  ifname: once("renames", addRename),
  bootdev: values.setBootdev,
  BOOTIF: values.setBootif,
  "vlan:priv": values.setZosVlan("vlanPriv"),
  "vlan:pub": values.setZosVlan("vlanPub"),
  "pub:mac": values.setPubMac,
  noautonic: values.addNoAuto,
  "netloom.nic": values.addNics,
  "netloom.ignore": values.addIgnored,
  "netloom.mtu": values.setMtu,
  "netloom.dns": values.addNameservers,
  "netloom.hostname": values.setHostname,
  "netloom.ntp": values.addTimeServers,
  "netloom.config": (draft, value, word) => {
    const source = readConfig(value, word);
    if (isRefusal(source)) return source;
    draft.configs = [...draft.configs, source];
    note(draft, "configs", source.word);
    return undefined;
  },
  "netloom.probe-timeout": values.setProbeTimeout,
  "netloom.supervisor": values.setSupervisor,
  // A shell on the console; only init reads it, and only without a value.
  "netloom.shell": (_draft, value) => (value === "" ? undefined : refuse("takes no value")),
};

/** Keys that mean something without a value: dracut's defaults, and what the image's init reads. */
export const BARE: ReadonlySet<string> = new Set(["bond", "bridge", "netloom.shell"]);

/** A word that makes a link may stand there twice: it makes one. */
function once(field: string, read: ReadWord): ReadWord {
  return (draft, value, word) => (draft.words[field]?.includes(word) === true ? undefined : read(draft, value, word));
}
