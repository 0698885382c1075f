//! Writes what this kernel answers to dumps, one file a table: `record DIRECTORY`.
//!
//! It makes a namespace with an object of every kind, and is run where the kernel has all of them, in the virtual machine of
//! `vm-tests/scenarios/native-kernel.vm.test.ts`. The files are in `testdata/linux-6.12`, where `src/recorded.rs` reads them.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, bail, ensure};
use netlink_packet_core::{Emitable, NLM_F_DUMP, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR};
use netlink_packet_generic::{
    GenlMessage,
    ctrl::{GenlCtrl, GenlCtrlCmd, nlas::GenlCtrlAttrs},
};
use netlink_sys::{
    Socket,
    protocols::{NETLINK_GENERIC, NETLINK_NETFILTER, NETLINK_ROUTE},
};
use netloom_net::{Sockets, netns, ns::Netns};
use serde_json::{Value, json};

const NAME: &str = "record";
const GROUP: u32 = 777;

fn main() -> Result<()> {
    let directory = std::env::args().nth(1).context("usage: record DIRECTORY")?;
    netns::create(NAME, GROUP)?;
    let recorded = record(Path::new(&directory));
    netns::delete(NAME)?;
    recorded
}

fn record(directory: &Path) -> Result<()> {
    make()?;
    // This thread stays in there: the program ends with its work.
    Netns::from_path(format!("/run/netns/{NAME}"))?.set()?;
    for (name, kind, body) in [
        ("links", libc::RTM_GETLINK, vec![0; 16]),
        ("addresses", libc::RTM_GETADDR, vec![0; 8]),
        ("routes", libc::RTM_GETROUTE, vec![0; 12]),
        ("rules", libc::RTM_GETRULE, vec![0; 12]),
        ("neighbors", libc::RTM_GETNEIGH, vec![0; 12]),
        ("fdb", libc::RTM_GETNEIGH, of_bridges(12, &[])),
        // IFLA_EXT_MASK 29: RTEXT_FILTER_BRVLAN_COMPRESSED
        (
            "vlans",
            libc::RTM_GETLINK,
            of_bridges(16, &[8, 0, 29, 0, 4, 0, 0, 0]),
        ),
    ] {
        let answer = dump(&mut open(NETLINK_ROUTE)?, kind, &body)?;
        fs::write(directory.join(format!("{name}.bin")), answer)?;
    }
    let mut generic = open(NETLINK_GENERIC)?;
    // ETHTOOL_MSG_LINKMODES_GET, ETHTOOL_MSG_LINKSTATE_GET
    for (name, command) in [("link-modes", 4), ("link-states", 6)] {
        let family = family(&mut generic, "ethtool")?;
        let answer = dump(&mut generic, family, &[command, 1, 0, 0])?;
        fs::write(directory.join(format!("{name}.bin")), answer)?;
    }
    // WG_CMD_GET_DEVICE with WGDEVICE_A_IFNAME 2
    let device = [&[0, 1, 0, 0, 7, 0, 2, 0][..], b"w0\0\0"].concat();
    let wireguard = family(&mut generic, "wireguard")?;
    let answer = dump(&mut generic, wireguard, &device)?;
    fs::write(directory.join("wireguard.bin"), answer)?;
    // NFNL_SUBSYS_NFTABLES with NFT_MSG_GETTABLE and NFT_MSG_GETCHAIN
    for (name, kind) in [("nft-tables", 0x0a01), ("nft-chains", 0x0a04)] {
        let answer = dump(&mut open(NETLINK_NETFILTER)?, kind, &[0; 4])?;
        fs::write(directory.join(format!("{name}.bin")), answer)?;
    }
    Ok(())
}

/// A header of `length` bytes for `AF_BRIDGE`, and attributes.
fn of_bridges(length: usize, attributes: &[u8]) -> Vec<u8> {
    let mut body = vec![0; length];
    body.splice(..1, [7]);
    body.extend(attributes);
    body
}

/// An object of every kind.
fn make() -> Result<()> {
    let sockets = Sockets::open(Some(&format!("/run/netns/{NAME}")))?;
    let link = |kind: &str, name: &str, options: Value| json!({ "op": "link.add", "type": kind, "name": name, "group": GROUP, "up": true, "options": options });
    let plain = |kind: &str, name: &str| json!({ "op": "link.add", "type": kind, "name": name, "group": GROUP, "up": true });
    let over = |link: Value| with(link, json!({ "lower": "d0" }));
    let veth = |name: &str, peer: &str, up: bool| json!({ "op": "link.add", "type": "veth", "name": name, "group": GROUP, "up": up, "peer": { "name": peer, "group": GROUP, "up": true } });
    let requests = json!([
        with(plain("dummy", "d0"), json!({ "alias": "for people", "mac": "02:00:00:00:00:01" })),
        plain("ifb", "i0"),
        over(link("vlan", "vlan7", json!({ "id": 7, "protocol": "802.1ad" }))),
        over(link("macvlan", "mv0", json!({ "mode": "bridge" }))),
        over(link("macvtap", "mt0", json!({ "mode": "private" }))),
        over(link("vxlan", "x0", json!({ "vni": 7, "local": "10.0.0.1", "group": "239.1.1.1", "port": 4789, "learning": false, "ttl": 5 }))),
        link("vxlan", "x6", json!({ "vni": 8, "local": "fd00::1", "port": 4790 })),
        link("tun", "t0", json!({ "mode": "tap", "owner": 7, "ownerGroup": 8 })),
        link("bond", "bond7", json!({ "mode": "active-backup", "miimon": 100, "updelay": 200, "downdelay": 300 })),
        veth("p0", "p1", false),
        { "op": "link.set", "name": "p0", "master": "bond7" },
        { "op": "link.set", "name": "bond7", "options": { "type": "bond", "set": { "primary": "p0" } } },
        link("bridge", "br0", json!({ "vlanFiltering": true, "defaultPvid": 0, "stp": false, "forwardDelay": 4, "ageing": 600 })),
        veth("b0", "b1", true),
        { "op": "link.set", "name": "b0", "master": "br0" },
        { "op": "link.port", "name": "b0", "port": { "isolated": true, "hairpin": true, "learning": false } },
        { "op": "vlan.add", "name": "b0", "id": 5, "pvid": true, "untagged": true },
        { "op": "vlan.add", "name": "b0", "id": 10 },
        { "op": "vlan.add", "name": "b0", "id": 11 },
        { "op": "vlan.add", "name": "b0", "id": 12 },
        { "op": "vlan.add", "name": "br0", "id": 5, "self": true },
        { "op": "fdb.add", "dev": "b0", "mac": "02:00:00:00:00:09", "vlan": 5 },
        { "op": "fdb.add", "dev": "x0", "mac": "02:00:00:00:00:0a", "remote": "192.0.2.1", "vni": 9, "port": 4791 },
        { "op": "fdb.add", "dev": "x6", "mac": "00:00:00:00:00:00", "remote": "fd00::2" },
        { "op": "address.add", "dev": "d0", "address": "10.0.0.1/24", "proto": 78, "validLifetime": 6000, "preferredLifetime": 3000 },
        { "op": "address.add", "dev": "d0", "address": "fd00::1/64", "proto": 78, "noDad": true, "noPrefixRoute": true },
        { "op": "address.add", "dev": "b1", "address": "10.0.1.1/24", "proto": 78 },
        { "op": "route.add", "to": "10.1.0.0/16", "protocol": 78, "metric": 9, "mtu": 1400, "advmss": 1300,
          "hops": [{ "dev": "d0", "via": "10.0.0.2", "weight": 2 }, { "dev": "b1", "via": "10.0.1.2" }] },
        { "op": "route.add", "to": "fd01::/64", "protocol": 78, "table": 1000, "onlink": true, "hops": [{ "dev": "d0", "via": "fd00::2" }, { "dev": "d0", "via": "fd00::3" }] },
        { "op": "route.add", "to": "10.2.0.0/16", "protocol": 78, "type": "blackhole" },
        { "op": "route.add", "to": "10.3.0.0/16", "protocol": 78, "dev": "d0", "via": "192.0.2.77", "onlink": true, "source": "10.0.0.1" },
        { "op": "rule.add", "family": 4, "priority": 100, "from": "10.1.0.0/16", "iif": "d0", "fwmark": { "value": 1, "mask": 255 }, "table": 1000, "protocol": 78 },
        { "op": "rule.add", "family": 6, "priority": 101, "to": "fd00:1::/32", "action": "unreachable", "protocol": 78 },
        { "op": "neighbor.add", "dev": "d0", "to": "10.0.0.77", "mac": "02:00:00:00:00:0b", "protocol": 78 },
        { "op": "neighbor.add", "dev": "d0", "to": "fd00::77", "mac": "02:00:00:00:00:0c", "protocol": 78 },
        plain("wireguard", "w0"),
    ]);
    let outcomes: Vec<Value> = serde_json::from_str(&sockets.batch(&requests.to_string())?)?;
    for (outcome, request) in outcomes
        .iter()
        .zip(requests.as_array().into_iter().flatten())
    {
        ensure!(
            outcome.get("ok") == Some(&json!(true)),
            "{request}: {outcome}"
        );
    }
    sockets.wireguard_set(
        "w0",
        &json!({ "privateKey": key(0), "listenPort": 51820, "fwmark": 7, "peers": peers() })
            .to_string(),
    )?;
    let ruleset = "table inet ours { comment \"netloom\"; chain forward { type filter hook forward priority -5; policy drop; }; chain called { }; }";
    let nft = Command::new("ip")
        .args(["netns", "exec", NAME, "nft", ruleset])
        .status()?;
    ensure!(nft.success(), "nft: {nft}");
    Ok(())
}

/// The object with the members of another.
fn with(mut object: Value, more: Value) -> Value {
    if let (Value::Object(members), Value::Object(more)) = (&mut object, more) {
        members.extend(more);
    }
    object
}

/// More than fit into one message.
fn peers() -> Vec<Value> {
    let peer = |number: u8| {
        json!({ "publicKey": key(number), "presharedKey": key(255), "endpoint": format!("192.0.2.{number}:51820"), "persistentKeepalive": 25,
                "allowedIps": [format!("10.{number}.0.0/16"), format!("fd00:{number:x}::/32")] })
    };
    (1..=60).map(peer).collect()
}

fn key(number: u8) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.encode([number | 0x40; 32])
}

fn open(protocol: isize) -> Result<Socket> {
    let mut socket = Socket::new(protocol)?;
    socket.bind_auto()?;
    Ok(socket)
}

fn family(socket: &mut Socket, name: &str) -> Result<u16> {
    let request = GenlMessage::from_payload(GenlCtrl {
        cmd: GenlCtrlCmd::GetFamily,
        nlas: vec![GenlCtrlAttrs::FamilyName(name.to_owned())],
    });
    let mut body = vec![0; request.buffer_len()];
    request.emit(&mut body);
    send(socket, 0x10, 0, &body)?;
    let answer = socket.recv_from_full()?.0;
    // CTRL_ATTR_FAMILY_ID 1, wherever it is among the attributes
    let mut rest = answer.get(20..).context("a short answer")?;
    loop {
        let header: [u8; 6] = rest.get(..6).context("no such family")?.try_into()?;
        let [low, high, kind, _, first, second] = header;
        if kind == 1 {
            return Ok(u16::from_ne_bytes([first, second]));
        }
        let length = usize::from(u16::from_ne_bytes([low, high])).next_multiple_of(4);
        rest = rest.get(length..).context("no such family")?;
    }
}

fn send(socket: &Socket, kind: u16, flags: u16, body: &[u8]) -> Result<()> {
    let mut message = Vec::new();
    message.extend(u32::try_from(16 + body.len())?.to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend((NLM_F_REQUEST | flags).to_ne_bytes());
    message.extend([0; 8]);
    message.extend(body);
    socket.send(&message, 0)?;
    Ok(())
}

/// Every message of the answer with its header, but for the last, which says that it was the last.
fn dump(socket: &mut Socket, kind: u16, body: &[u8]) -> Result<Vec<u8>> {
    send(socket, kind, NLM_F_DUMP, body)?;
    let mut whole = Vec::new();
    loop {
        let datagram = socket.recv_from_full()?.0;
        let mut rest = datagram.as_slice();
        while let Some(header) = rest.get(..6) {
            let [a, b, c, d, low, high]: [u8; 6] = header.try_into()?;
            match u16::from_ne_bytes([low, high]) {
                NLMSG_DONE => return Ok(whole),
                NLMSG_ERROR => bail!("the kernel refused the dump of {kind:#x}"),
                _ => {}
            }
            let length = usize::try_from(u32::from_ne_bytes([a, b, c, d]))?.next_multiple_of(4);
            whole.extend(rest.get(..length).context("a message that was cut short")?);
            rest = rest.get(length..).unwrap_or_default();
        }
    }
}
