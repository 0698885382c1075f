/** What a frame is, and the bytes that its innermost known header carries. */
export type Classified = { readonly protocol: string; readonly payload: Buffer };

/** UDP ports with a protocol of their own on a healthy link; DHCP and the rest run beside any overlay. */
const udpNames: Readonly<Record<number, string>> = {
  53: "DNS",
  67: "DHCPv4",
  68: "DHCPv4",
  123: "NTP",
  546: "DHCPv6",
  547: "DHCPv6",
  5353: "mDNS",
};

/**
 * Message types by first byte, and the length each has (wireguard.com/protocol); 0 stands for any from 32 on: a packet is padded
 * to a multiple of 16, but never beyond the MTU, so the largest ones have odd lengths.
 */
const wireguard: Readonly<Record<number, readonly [name: string, length: number]>> = {
  1: ["WireGuard initiation", 148],
  2: ["WireGuard response", 92],
  3: ["WireGuard cookie", 64],
  4: ["WireGuard transport", 0],
};

const icmp6Names: Readonly<Record<number, string>> = {
  1: "ICMP unreachable",
  130: "MLD",
  131: "MLD",
  132: "MLD",
  133: "ICMPv6 RS",
  134: "ICMPv6 RA",
  135: "ICMPv6 NS",
  136: "ICMPv6 NA",
  143: "MLD",
};

/** Names the protocol of an Ethernet frame, inside any number of VLAN tags. */
export function classify(frame: Buffer): Classified {
  let at = 12;
  while (at + 4 <= frame.length && (frame.readUInt16BE(at) === 0x8100 || frame.readUInt16BE(at) === 0x88a8)) at += 4;
  if (at + 2 > frame.length) return { protocol: "short frame", payload: frame };
  const type = frame.readUInt16BE(at);
  const payload = frame.subarray(at + 2);
  if (type === 0x0806) return { protocol: "ARP", payload };
  if (type === 0x0800) return ipv4(payload);
  if (type === 0x86dd) return ipv6(payload);
  return { protocol: type < 0x0600 ? "LLC" : `ethertype 0x${type.toString(16).padStart(4, "0")}`, payload };
}

function ipv4(packet: Buffer): Classified {
  if (packet.length < 20) return { protocol: "short IPv4", payload: packet };
  const header = (packet.readUInt8(0) & 15) * 4;
  // The total length leaves out what Ethernet padded.
  const payload = packet.subarray(header, Math.max(header, packet.readUInt16BE(2)));
  if ((packet.readUInt16BE(6) & 0x1fff) !== 0) return { protocol: "IPv4 fragment", payload };
  return transport(packet.readUInt8(9), payload, "IPv4");
}

function ipv6(packet: Buffer): Classified {
  if (packet.length < 40) return { protocol: "short IPv6", payload: packet };
  let next = packet.readUInt8(6);
  let payload = packet.subarray(40, 40 + packet.readUInt16BE(4));
  // Hop-by-hop options (MLD has them), routing, destination options: RFC 8200 section 4.
  while ((next === 0 || next === 43 || next === 60) && payload.length >= 8) {
    next = payload.readUInt8(0);
    payload = payload.subarray((payload.readUInt8(1) + 1) * 8);
  }
  if (next === 44) return { protocol: "IPv6 fragment", payload };
  return transport(next, payload, "IPv6");
}

function transport(protocol: number, payload: Buffer, family: string): Classified {
  if (protocol === 17 && payload.length >= 8) return udp(payload);
  if (protocol === 6 && payload.length >= 20) {
    const port = Math.min(payload.readUInt16BE(0), payload.readUInt16BE(2));
    return { protocol: `TCP ${port}`, payload: payload.subarray((payload.readUInt8(12) >> 4) * 4) };
  }
  if (protocol === 58 && payload.length > 0) {
    const type = payload.readUInt8(0);
    return { protocol: icmp6Names[type] ?? `ICMPv6 ${type}`, payload };
  }
  if (protocol === 1)
    return { protocol: payload.length > 0 && payload.readUInt8(0) === 3 ? "ICMP unreachable" : "ICMP", payload };
  if (protocol === 2) return { protocol: "IGMP", payload };
  return { protocol: `${family} protocol ${protocol}`, payload };
}

function udp(datagram: Buffer): Classified {
  const [from, to] = [datagram.readUInt16BE(0), datagram.readUInt16BE(2)];
  const payload = datagram.subarray(8, Math.max(8, datagram.readUInt16BE(4)));
  const named = udpNames[to] ?? udpNames[from];
  return { protocol: named ?? wireguardName(payload) ?? `UDP ${Math.min(from, to)}`, payload };
}

function wireguardName(payload: Buffer): string | undefined {
  if (payload.length < 32 || payload.readUIntBE(1, 3) !== 0) return undefined;
  const [name, length] = wireguard[payload.readUInt8(0)] ?? [];
  if (name === undefined || length === undefined) return undefined;
  return length === 0 || payload.length === length ? name : undefined;
}
