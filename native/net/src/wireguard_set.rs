//! Configuring WireGuard devices, peer by peer.
//!
//! The device flag `REPLACE_PEERS` is never used: replacing peers, even by the same ones, drops their sessions and what
//! was learned about endpoints, and takes a mesh down for 15 s.

use std::net::SocketAddr;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use netlink_packet_core::Emitable as _;
use netlink_packet_generic::GenlMessage;
use netlink_packet_wireguard::{
    WireguardAddressFamily, WireguardAllowedIp, WireguardAllowedIpAttr, WireguardAttribute,
    WireguardCmd, WireguardMessage, WireguardPeer, WireguardPeerAttribute, WireguardPeerFlags,
};
use serde::Deserialize;

use crate::{
    error::{At, Error, Result},
    generic::{Family, Generic},
    prefix::parse_prefix,
    socket::bytes,
};

const OP: &str = "wireguard.set";
/// The nested list of peers has a 16-bit length; this leaves room and keeps messages within a few pages.
const PEERS_BYTES: usize = 24 << 10;
/// Allowed addresses of one peer in one message; about 10 KiB.
const ALLOWED_IPS: usize = 256;

/// What to change. Not `Debug`: it holds keys.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Config {
    private_key: Option<String>,
    listen_port: Option<u16>,
    fwmark: Option<u32>,
    #[serde(default)]
    peers: Vec<Peer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Peer {
    public_key: String,
    #[serde(default)]
    remove: bool,
    #[serde(default)]
    update_only: bool,
    endpoint: Option<String>,
    /// Replaces those of the peer.
    allowed_ips: Option<Vec<String>>,
    persistent_keepalive: Option<u16>,
    preshared_key: Option<String>,
}

/// Applies `config` to the device `name`, in order; what it does not mention stays.
pub(crate) fn set(generic: &mut Generic, name: &str, config: &str) -> Result<()> {
    let config: Config = serde_json::from_str(config).map_err(|error| refused(name, &error))?;
    let messages = messages(name, &config)?;
    let family = generic.number_of(Family::Wireguard).at(OP, name)?;
    for message in messages {
        let request = GenlMessage::from_payload(message);
        generic
            .socket
            .request(family, 0, &bytes(&request))
            .at(OP, name)?;
    }
    Ok(())
}

/// Serde quotes the value that it did not expect, which may be a key; only what names a field is safe to repeat.
fn refused(name: &str, error: &serde_json::Error) -> Error {
    let text = error.to_string();
    let safe = text.starts_with("unknown field") || text.starts_with("missing field");
    let reason = if safe {
        text
    } else {
        format!("not a configuration, at column {}", error.column())
    };
    Error::invalid(OP, name, reason)
}

/// The requests that apply `config`: all checked before the first is sent.
fn messages(name: &str, config: &Config) -> Result<Vec<WireguardMessage>> {
    let mut device = vec![WireguardAttribute::IfName(name.to_owned())];
    if let Some(private) = &config.private_key {
        device.push(WireguardAttribute::PrivateKey(key(
            name,
            "private key",
            private,
        )?));
    }
    device.extend(config.listen_port.map(WireguardAttribute::ListenPort));
    device.extend(config.fwmark.map(WireguardAttribute::Fwmark));
    let mut pieces = Vec::new();
    for peer in &config.peers {
        pieces.extend(peer_pieces(peer)?);
    }
    let mut messages = Vec::new();
    for peers in pack(pieces) {
        let first = std::mem::replace(
            &mut device,
            vec![WireguardAttribute::IfName(name.to_owned())],
        );
        let attributes = first
            .into_iter()
            .chain([WireguardAttribute::Peers(peers)])
            .collect();
        messages.push(WireguardMessage {
            cmd: WireguardCmd::SetDevice,
            attributes,
        });
    }
    if messages.is_empty() && device.len() > 1 {
        messages.push(WireguardMessage {
            cmd: WireguardCmd::SetDevice,
            attributes: device,
        });
    }
    Ok(messages)
}

/// Fills lists of at most `PEERS_BYTES`, in order.
fn pack(pieces: Vec<WireguardPeer>) -> Vec<Vec<WireguardPeer>> {
    let mut lists: Vec<Vec<WireguardPeer>> = Vec::new();
    let mut room = 0;
    for piece in pieces {
        let length = piece.buffer_len();
        if let Some(list) = lists.last_mut().filter(|_| length <= room) {
            list.push(piece);
        } else {
            lists.push(vec![piece]);
            room = PEERS_BYTES;
        }
        room = room.saturating_sub(length);
    }
    lists
}

/// A peer with many allowed addresses as several: the first replaces what was there, the others add.
fn peer_pieces(peer: &Peer) -> Result<Vec<WireguardPeer>> {
    let target = format!("peer {}", peer.public_key);
    let public = WireguardPeerAttribute::PublicKey(key(&target, "public key", &peer.public_key)?);
    let allowed = peer.allowed_ips.as_deref().unwrap_or_default();
    let allowed: Vec<_> = allowed
        .iter()
        .map(|text| allowed_ip(text))
        .collect::<Result<_>>()?;
    let mut chunks = allowed.chunks(ALLOWED_IPS).map(<[_]>::to_vec);
    let mut flags = WireguardPeerFlags::empty();
    flags.set(WireguardPeerFlags::RemoveMe, peer.remove);
    flags.set(WireguardPeerFlags::UpdateOnly, peer.update_only);
    flags.set(
        WireguardPeerFlags::ReplaceAllowedIps,
        peer.allowed_ips.is_some(),
    );
    let mut first = vec![public.clone(), WireguardPeerAttribute::Flags(flags)];
    if let Some(preshared) = &peer.preshared_key {
        let preshared = key(&target, "preshared key", preshared)?;
        first.push(WireguardPeerAttribute::PresharedKey(preshared));
    }
    if let Some(endpoint) = &peer.endpoint {
        let endpoint: SocketAddr = endpoint.parse().map_err(|_| {
            Error::invalid(
                OP,
                &target,
                format!("endpoint {endpoint} is not an address with a port"),
            )
        })?;
        first.push(WireguardPeerAttribute::Endpoint(endpoint));
    }
    first.extend(
        peer.persistent_keepalive
            .map(WireguardPeerAttribute::PersistentKeepalive),
    );
    first.extend(chunks.next().map(WireguardPeerAttribute::AllowedIps));
    let more = WireguardPeerAttribute::Flags(WireguardPeerFlags::UpdateOnly);
    let rest = chunks.map(|chunk| {
        WireguardPeer(vec![
            public.clone(),
            more.clone(),
            WireguardPeerAttribute::AllowedIps(chunk),
        ])
    });
    Ok(std::iter::once(WireguardPeer(first)).chain(rest).collect())
}

fn allowed_ip(text: &str) -> Result<WireguardAllowedIp> {
    let (address, length) = parse_prefix(OP, text)?;
    let family = if address.is_ipv4() {
        WireguardAddressFamily::Ipv4
    } else {
        WireguardAddressFamily::Ipv6
    };
    Ok(WireguardAllowedIp(vec![
        WireguardAllowedIpAttr::Family(family),
        WireguardAllowedIpAttr::IpAddr(address),
        WireguardAllowedIpAttr::Cidr(length),
    ]))
}

/// 32 bytes from base64; the text is not repeated in the error, it may be secret.
fn key(target: &str, what: &str, text: &str) -> Result<[u8; 32]> {
    let bytes = BASE64
        .decode(text)
        .ok()
        .and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| Error::invalid(OP, target, format!("the {what} is not 32 bytes of base64")))
}

#[cfg(test)]
mod tests {
    use netlink_packet_wireguard::{
        WireguardAttribute, WireguardDeviceFlags, WireguardMessage, WireguardPeerAttribute,
        WireguardPeerFlags,
    };

    use super::{BASE64, Config, messages};
    use crate::socket::bytes;
    use base64::Engine;
    use netlink_packet_generic::GenlMessage;

    fn build(config: &serde_json::Value) -> Vec<WireguardMessage> {
        let config: Config = serde_json::from_value(config.clone()).unwrap();
        messages("wg0", &config).unwrap()
    }

    fn peers(message: &WireguardMessage) -> Vec<Vec<WireguardPeerAttribute>> {
        let found = message
            .attributes
            .iter()
            .find_map(|attribute| match attribute {
                WireguardAttribute::Peers(peers) => {
                    Some(peers.iter().map(|peer| peer.0.clone()).collect())
                }
                _ => None,
            });
        found.unwrap_or_default()
    }

    fn flags(peer: &[WireguardPeerAttribute]) -> WireguardPeerFlags {
        let found = peer.iter().find_map(|attribute| match attribute {
            WireguardPeerAttribute::Flags(flags) => Some(*flags),
            _ => None,
        });
        found.unwrap()
    }

    #[test]
    fn a_peer_is_changed_alone() {
        let key = BASE64.encode([7; 32]);
        let sent = build(&serde_json::json!({ "peers": [
            { "publicKey": key, "updateOnly": true, "persistentKeepalive": 0 },
            { "publicKey": key, "remove": true },
            { "publicKey": key, "allowedIps": [] },
        ]}));
        let [message] = sent.as_slice() else {
            panic!("one message")
        };
        assert_eq!(
            peers(message)
                .iter()
                .map(|peer| flags(peer))
                .collect::<Vec<_>>(),
            [
                WireguardPeerFlags::UpdateOnly,
                WireguardPeerFlags::RemoveMe,
                WireguardPeerFlags::ReplaceAllowedIps
            ]
        );
        let replaced = |attribute: &WireguardAttribute| {
            matches!(attribute, WireguardAttribute::Flags(flags)
                if flags.contains(WireguardDeviceFlags::ReplacePeers))
        };
        assert!(!message.attributes.iter().any(replaced));
    }

    #[test]
    fn large_configurations_are_split_and_lose_nothing() {
        let allowed: Vec<_> = (0..1000)
            .map(|n| format!("10.{}.{}.0/24", n / 256, n % 256))
            .collect();
        let peers_wanted: Vec<_> = (0..200_u8)
            .map(|n| serde_json::json!({ "publicKey": BASE64.encode([n; 32]), "allowedIps": allowed }))
            .collect();
        let sent = build(&serde_json::json!({ "listenPort": 51820, "peers": peers_wanted }));
        assert!(sent.len() > 1);
        let ports = |message: &&WireguardMessage| {
            message
                .attributes
                .contains(&WireguardAttribute::ListenPort(51820))
        };
        assert_eq!(sent.iter().filter(ports).count(), 1);
        for message in &sent {
            assert!(bytes(&GenlMessage::from_payload(message.clone())).len() < 32 << 10);
        }
        let pieces: Vec<_> = sent.iter().flat_map(peers).collect();
        let replacing = pieces
            .iter()
            .filter(|piece| flags(piece) == WireguardPeerFlags::ReplaceAllowedIps);
        assert_eq!(replacing.count(), 200);
        let addresses: usize = pieces
            .iter()
            .flatten()
            .map(|attribute| match attribute {
                WireguardPeerAttribute::AllowedIps(ips) => ips.len(),
                _ => 0,
            })
            .sum();
        assert_eq!(addresses, 200 * 1000);
    }

    #[test]
    fn refusals_repeat_no_key() {
        let secret = BASE64.encode([7; 31]);
        for config in [
            serde_json::json!({ "privateKey": secret }),
            serde_json::json!({ "listenPort": secret }),
            serde_json::json!({ "peers": [{ "publicKey": BASE64.encode([1; 32]), "presharedKey": secret }] }),
        ] {
            let refusal = match serde_json::from_str::<Config>(&config.to_string()) {
                Ok(config) => messages("wg0", &config).unwrap_err(),
                Err(error) => super::refused("wg0", &error),
            };
            assert!(!refusal.to_string().contains(&secret), "{refusal}");
        }
    }
}
