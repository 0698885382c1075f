import { familyOf } from "../../lib/ip.ts";
import type { InterfaceFlags } from "../../model/boot-flags.ts";
import { isOff } from "../settings.ts";
import { note, type Draft } from "./draft.ts";
import { readIp, type IpWord } from "./ip.ts";
import { isRefusal, refuse, type Refusal } from "./refusal.ts";

/** `ip=`: several words of one interface are put together, family by family, unless they contradict each other. */
export function addInterface(draft: Draft, value: string, word: string): Refusal | undefined {
  const said = readIp(value);
  if (isRefusal(said)) return said;
  const before = draft.interfaces[said.device];
  const alone = interfaceOf(said, word);
  const all = before === undefined ? alone : together(before, alone);
  if (isRefusal(all)) return all;
  draft.interfaces = { ...draft.interfaces, [said.device]: all };
  note(draft, `interfaces.${said.device}`, word);
  if (said.dns.length > 0) {
    draft.nameservers = [...new Set([...draft.nameservers, ...said.dns])];
    note(draft, "nameservers", word);
  }
  if (said.ntp !== undefined) {
    draft.ntp = [...new Set([...draft.ntp, said.ntp])];
    note(draft, "ntp", word);
  }
  // `netloom.hostname=` says nothing else, so it has the last word.
  if (said.hostname !== undefined && !draft.named) {
    draft.hostname = said.hostname;
    note(draft, "hostname", word);
  }
  return undefined;
}

function interfaceOf({ address, gateway, peers, clientId, mtu, mac, ...auto }: IpWord, word: string): InterfaceFlags {
  const router = gateway === undefined ? {} : familyOf(gateway) === 6 ? { gateway6: gateway } : { gateway };
  return {
    dhcp4: auto.dhcp4,
    dhcp6: auto.dhcp6,
    auto6: auto.auto6,
    addresses: address === undefined ? [] : [address],
    ...router,
    ...(peers.length === 0 ? {} : { peers }),
    ...(mtu === undefined ? {} : { mtu }),
    ...(mac === undefined ? {} : { mac }),
    ...(clientId === undefined ? {} : { clientId }),
    words: [word],
  };
}

/** Two words of one interface, or what they contradict each other in. */
function together(a: InterfaceFlags, b: InterfaceFlags): InterfaceFlags | Refusal {
  const earlier = `'${a.words.join("' and '")}'`;
  if (isOff(a) !== isOff(b))
    return refuse(`contradicts ${earlier}: one switches the interface off, the other does not`);
  for (const field of ["gateway", "gateway6", "mtu", "mac", "clientId"] as const)
    if (a[field] !== undefined && b[field] !== undefined && a[field] !== b[field])
      return refuse(`contradicts ${earlier}: ${field} is ${a[field]} there and ${b[field]} here`);
  const addresses = [...new Set([...a.addresses, ...b.addresses])];
  const [dhcp4, dhcp6] = [a.dhcp4 || b.dhcp4, a.dhcp6 || b.dhcp6];
  if (addresses.some((address) => (familyOf(address) === 4 ? dhcp4 : dhcp6)))
    return refuse(`contradicts ${earlier}: an address and DHCP for one family exclude each other`);
  const peers = [...new Set([...(a.peers ?? []), ...(b.peers ?? [])])];
  return {
    ...a,
    ...b,
    dhcp4,
    dhcp6,
    auto6: a.auto6 || b.auto6,
    addresses,
    ...(peers.length === 0 ? {} : { peers }),
    words: [...a.words, ...b.words],
  };
}
