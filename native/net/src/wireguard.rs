//! Observing WireGuard devices. Private and preshared keys are never read out of the kernel's answer.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use netlink_packet_generic::GenlMessage;
use netlink_packet_wireguard::{WireguardAttribute, WireguardCmd, WireguardMessage};
use serde::Serialize;

use crate::{
    attribute::{Attribute, Attributes, array, attributes, read_u16, read_u32},
    error::Failure,
    generic::{Family, Generic, HEADER},
    socket::bytes,
};

// include/uapi/linux/wireguard.h
const WGDEVICE_A_IFNAME: u16 = 2;
const WGDEVICE_A_PRIVATE_KEY: u16 = 3;
const WGDEVICE_A_PUBLIC_KEY: u16 = 4;
const WGDEVICE_A_LISTEN_PORT: u16 = 6;
const WGDEVICE_A_FWMARK: u16 = 7;
const WGDEVICE_A_PEERS: u16 = 8;
const WGPEER_A_PUBLIC_KEY: u16 = 1;
const WGPEER_A_PRESHARED_KEY: u16 = 2;
const WGPEER_A_ENDPOINT: u16 = 4;
const WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL: u16 = 5;
const WGPEER_A_LAST_HANDSHAKE_TIME: u16 = 6;
const WGPEER_A_RX_BYTES: u16 = 7;
const WGPEER_A_TX_BYTES: u16 = 8;
const WGPEER_A_ALLOWEDIPS: u16 = 9;
const WGALLOWEDIP_A_IPADDR: u16 = 2;
const WGALLOWEDIP_A_CIDR_MASK: u16 = 3;

const NANOSECONDS: f64 = 1e9;

/// A WireGuard device.
#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Device {
    pub(crate) name: String,
    /// `None` until a private key is set.
    pub(crate) public_key: Option<String>,
    pub(crate) has_private_key: bool,
    pub(crate) listen_port: u16,
    /// 0 is none.
    pub(crate) fwmark: u32,
    pub(crate) peers: Vec<Peer>,
}

/// A peer of a device.
#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Peer {
    pub(crate) public_key: String,
    /// Where we send to now: given, or learned by roaming.
    pub(crate) endpoint: Option<SocketAddr>,
    pub(crate) allowed_ips: Vec<String>,
    /// Seconds; 0 is off.
    pub(crate) persistent_keepalive: u16,
    /// Unix seconds of the last completed handshake; 0 is never.
    pub(crate) last_handshake: f64,
    pub(crate) rx_bytes: u64,
    pub(crate) tx_bytes: u64,
    pub(crate) has_preshared_key: bool,
}

/// The device `name` of the socket's namespace.
pub(crate) fn get(generic: &mut Generic, name: &str) -> Result<Device, Failure> {
    let family = generic.number_of(Family::Wireguard)?;
    let request = GenlMessage::from_payload(WireguardMessage {
        cmd: WireguardCmd::GetDevice,
        attributes: vec![WireguardAttribute::IfName(name.to_owned())],
    });
    let parts = generic.socket.dump(family, &bytes(&request), |message| {
        (message.kind == family).then(|| parse(message.body))
    })?;
    Ok(join(parts))
}

/// A large device arrives in several messages; a peer may go on in the next one.
pub(crate) fn join(parts: Vec<Device>) -> Device {
    let mut parts = parts.into_iter();
    let mut device = parts.next().unwrap_or_default();
    for peer in parts.flat_map(|part| part.peers) {
        match device
            .peers
            .last_mut()
            .filter(|last| last.public_key == peer.public_key)
        {
            Some(last) => last.allowed_ips.extend(peer.allowed_ips),
            None => device.peers.push(peer),
        }
    }
    device
}

/// One message of a `WG_CMD_GET_DEVICE` dump.
pub(crate) fn parse(body: &[u8]) -> Device {
    let mut device = Device::default();
    for found in attributes(body, HEADER) {
        match found.kind {
            WGDEVICE_A_IFNAME => device.name = found.text(),
            WGDEVICE_A_PRIVATE_KEY => device.has_private_key = is_set(found),
            WGDEVICE_A_PUBLIC_KEY => device.public_key = key(found),
            WGDEVICE_A_LISTEN_PORT => device.listen_port = found.u16().unwrap_or_default(),
            WGDEVICE_A_FWMARK => device.fwmark = found.u32().unwrap_or_default(),
            WGDEVICE_A_PEERS => {
                device.peers = found
                    .nested()
                    .filter_map(|peer| parse_peer(peer.nested()))
                    .collect();
            }
            _ => {}
        }
    }
    device
}

/// `None` for a peer without a key.
fn parse_peer(fields: Attributes<'_>) -> Option<Peer> {
    let mut peer = Peer::default();
    for found in fields {
        match found.kind {
            WGPEER_A_PUBLIC_KEY => peer.public_key = key(found)?,
            WGPEER_A_PRESHARED_KEY => peer.has_preshared_key = is_set(found),
            WGPEER_A_ENDPOINT => peer.endpoint = endpoint(found.value),
            WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL => {
                peer.persistent_keepalive = found.u16().unwrap_or_default();
            }
            WGPEER_A_LAST_HANDSHAKE_TIME => {
                peer.last_handshake = seconds(found.value).unwrap_or_default();
            }
            WGPEER_A_RX_BYTES => peer.rx_bytes = found.u64().unwrap_or_default(),
            WGPEER_A_TX_BYTES => peer.tx_bytes = found.u64().unwrap_or_default(),
            WGPEER_A_ALLOWEDIPS => {
                peer.allowed_ips = found
                    .nested()
                    .filter_map(|ip| allowed_ip(ip.nested()))
                    .collect();
            }
            _ => {}
        }
    }
    (!peer.public_key.is_empty()).then_some(peer)
}

fn allowed_ip(fields: Attributes<'_>) -> Option<String> {
    let (mut address, mut length) = (None, None);
    for found in fields {
        match found.kind {
            WGALLOWEDIP_A_IPADDR => address = found.ip(),
            WGALLOWEDIP_A_CIDR_MASK => length = found.u8(),
            _ => {}
        }
    }
    Some(format!("{}/{}", address?, length?))
}

fn key(found: Attribute<'_>) -> Option<String> {
    array::<32>(found.value, 0).map(|key| BASE64.encode(key))
}

/// The kernel sends a preshared key of zeros for none.
fn is_set(found: Attribute<'_>) -> bool {
    found.value.iter().any(|byte| *byte != 0)
}

/// `struct sockaddr_in` or `struct sockaddr_in6`.
fn endpoint(value: &[u8]) -> Option<SocketAddr> {
    let port = u16::from_be_bytes(array(value, 2)?);
    match i32::from(read_u16(value, 0)?) {
        libc::AF_INET => Some((Ipv4Addr::from(array::<4>(value, 4)?), port).into()),
        libc::AF_INET6 => {
            let (address, scope) = (Ipv6Addr::from(array::<16>(value, 8)?), read_u32(value, 24)?);
            Some(SocketAddrV6::new(address, port, 0, scope).into())
        }
        _ => None,
    }
}

/// `struct __kernel_timespec` as seconds with a fraction.
fn seconds(value: &[u8]) -> Option<f64> {
    let whole = i64::from_ne_bytes(array(value, 0)?);
    let nanoseconds = i64::from_ne_bytes(array(value, 8)?);
    #[expect(
        clippy::cast_precision_loss,
        reason = "exact to a microsecond until the year 2255"
    )]
    let time = whole as f64 + nanoseconds as f64 / NANOSECONDS;
    Some(time)
}

#[cfg(test)]
mod tests {
    use netlink_packet_core::Emitable;
    use netlink_packet_wireguard::{
        WireguardAddressFamily, WireguardAllowedIp, WireguardAllowedIpAttr, WireguardPeer,
        WireguardPeerAttribute, WireguardTimeSpec,
    };

    use super::{
        Device, GenlMessage, WireguardAttribute, WireguardCmd, WireguardMessage, join, parse,
    };
    use crate::socket::bytes;

    fn allowed(address: &str, length: u8) -> WireguardAllowedIp {
        WireguardAllowedIp(vec![
            WireguardAllowedIpAttr::Family(WireguardAddressFamily::Ipv4),
            WireguardAllowedIpAttr::IpAddr(address.parse().unwrap()),
            WireguardAllowedIpAttr::Cidr(length),
        ])
    }

    /// What the kernel would answer, written by the crate that we do not read with.
    fn answer(peers: Vec<WireguardPeer>) -> Vec<u8> {
        bytes(&GenlMessage::from_payload(WireguardMessage {
            cmd: WireguardCmd::GetDevice,
            attributes: vec![
                WireguardAttribute::ListenPort(51820),
                WireguardAttribute::Fwmark(7),
                WireguardAttribute::IfIndex(3),
                WireguardAttribute::IfName("w-demo".to_owned()),
                WireguardAttribute::PrivateKey([9; 32]),
                WireguardAttribute::PublicKey([1; 32]),
                WireguardAttribute::Peers(peers),
            ],
        }))
    }

    fn full_peer() -> WireguardPeer {
        WireguardPeer(vec![
            WireguardPeerAttribute::PublicKey([2; 32]),
            WireguardPeerAttribute::PresharedKey([0; 32]),
            WireguardPeerAttribute::LastHandshake(WireguardTimeSpec {
                seconds: 1_700_000_000,
                nano_seconds: 500_000_000,
            }),
            WireguardPeerAttribute::PersistentKeepalive(25),
            WireguardPeerAttribute::TxBytes(148),
            WireguardPeerAttribute::RxBytes(92),
            WireguardPeerAttribute::ProtocolVersion(1),
            WireguardPeerAttribute::Endpoint("[fd00::1]:51821".parse().unwrap()),
            WireguardPeerAttribute::AllowedIps(vec![allowed("10.1.0.0", 16)]),
        ])
    }

    #[test]
    fn reads_a_device_and_keeps_no_private_key() {
        let device = parse(&answer(vec![full_peer()]));
        let json = serde_json::to_value(&device).unwrap();
        let public = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
        let expected = serde_json::json!({
            "name": "w-demo", "publicKey": public, "hasPrivateKey": true, "listenPort": 51820, "fwmark": 7,
            "peers": [{
                "publicKey": "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=",
                "endpoint": "[fd00::1]:51821", "allowedIps": ["10.1.0.0/16"], "persistentKeepalive": 25,
                "lastHandshake": 1_700_000_000.5, "rxBytes": 92, "txBytes": 148, "hasPresharedKey": false,
            }],
        });
        assert_eq!(json, expected);
    }

    /// Recorded on Linux 6.12 with the configuration of `tests/kernel.rs`.
    #[test]
    fn reads_what_a_kernel_answered() {
        let device = parse(include_bytes!("../testdata/wireguard-6.12.bin"));
        assert_eq!((device.name.as_str(), device.listen_port), ("w0", 51820));
        let [first, second, third] = device.peers.as_slice() else {
            panic!("three peers: {device:?}")
        };
        assert_eq!(first.endpoint, "192.0.2.1:51820".parse().ok());
        assert_eq!(first.persistent_keepalive, 25);
        let mut allowed = first.allowed_ips.clone();
        allowed.sort_unstable();
        assert_eq!(allowed, ["172.16.0.0/16", "fd00::/48"]);
        assert_eq!(second.endpoint, "[2001:db8::1]:51821".parse().ok());
        assert_eq!(second.allowed_ips.len(), 600);
        assert!(second.has_preshared_key && !first.has_preshared_key);
        assert_eq!((third.endpoint, third.allowed_ips.len()), (None, 0));
    }

    #[test]
    fn joins_a_peer_that_goes_on_in_the_next_message() {
        let more = WireguardPeer(vec![
            WireguardPeerAttribute::PublicKey([2; 32]),
            WireguardPeerAttribute::AllowedIps(vec![allowed("10.2.0.0", 16)]),
        ]);
        let other = WireguardPeer(vec![WireguardPeerAttribute::PublicKey([3; 32])]);
        let parts = [vec![full_peer()], vec![more, other]];
        let device = join(
            parts
                .into_iter()
                .map(|peers| parse(&answer(peers)))
                .collect(),
        );
        assert_eq!(device.peers.len(), 2);
        assert_eq!(device.peers[0].allowed_ips, ["10.1.0.0/16", "10.2.0.0/16"]);
        assert_eq!(device.peers[0].rx_bytes, 92);
    }

    #[test]
    fn a_device_without_key_and_peers_is_plain() {
        let body = bytes(&GenlMessage::from_payload(WireguardMessage {
            cmd: WireguardCmd::GetDevice,
            attributes: vec![WireguardAttribute::PrivateKey([0; 32])],
        }));
        assert_eq!(parse(&body), Device::default());
    }

    #[test]
    fn survives_every_truncation_and_every_wrong_length() {
        let whole = answer(vec![full_peer(), full_peer()]);
        assert!(full_peer().buffer_len() < whole.len());
        crate::fuzz::mangle(&whole, |bytes| drop(parse(bytes)));
    }
}
