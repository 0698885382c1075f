//! Creating links in one request: born in its target namespace, with MAC, MTU, group, master and state.
//!
//! A veth moved after creation costs 16-18 ms of RCU grace periods, one born in place 0.25 ms; and the group, which is our
//! mark of ownership, is honoured at creation. Two things are not, and follow in a second request: an alias
//! (`IFLA_IFALIAS` is accepted and ignored) and a peer that is up (`veth_open` answers ENOTCONN, since the kernel ties the
//! two ends together last).

use std::{fs::File, os::fd::AsRawFd};

use libc::RTM_NEWLINK;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};
use nix::errno::Errno;
use rand::{TryRngCore, rngs::OsRng};

use crate::{
    error::{At, Error, Failure, Result},
    link, link_change, link_kind,
    request::{Kind, LinkAdd, LinkSet, Peer},
    session::Session,
    socket::{Socket, bytes},
    tun,
};

const OP: &str = "link.add";

pub(crate) fn add(session: &mut Session<'_>, wanted: &LinkAdd) -> Result<()> {
    let name = &wanted.name;
    refuse_contradictions(wanted)?;
    let kind = wanted.r#type;
    let options = link_kind::read(OP, name, kind, wanted.options.as_ref())?;
    if kind == Kind::Tun {
        let socket = session.at(wanted.netns_path.as_deref())?;
        return tun::add(socket, wanted, options.as_ref());
    }
    let socket = &mut *session.here;
    let own_netns = open_netns(wanted.netns_path.as_deref()).at(OP, name)?;
    let mut message = LinkMessage::default();
    describe(
        &mut message,
        &Common {
            name,
            mac: wanted.mac.as_deref(),
            mtu: wanted.mtu,
            group: wanted.group,
            netns: own_netns.as_ref(),
        },
    )?;
    if wanted.up {
        message.header.flags = LinkFlags::Up;
        message.header.change_mask = LinkFlags::Up;
    }
    if let Some(master) = &wanted.master {
        let index = link::get(socket, master)
            .at(OP, format!("{name} (master {master})"))?
            .index;
        message.attributes.push(LinkAttribute::Controller(index));
    }
    // The file stays open until the request is done.
    let peer_netns = open_netns(
        wanted
            .peer
            .as_ref()
            .and_then(|peer| peer.netns_path.as_deref()),
    )
    .at(OP, name)?;
    let mut index_of = |word: &str, of: &str| {
        let found = link::get(socket, of).at(OP, format!("{name} ({word} {of})"))?;
        Ok(found.index)
    };
    let lower = wanted.lower.as_deref();
    let lower = lower.map(|of| index_of("lower", of)).transpose()?;
    if kind != Kind::Vxlan {
        // A vxlan has the link below among its options.
        message.attributes.extend(lower.map(LinkAttribute::Link));
    }
    if kind == Kind::Veth {
        one_queue(&mut message);
    }
    message.attributes.push(match kind {
        Kind::Veth => LinkAttribute::LinkInfo(veth(wanted, peer_netns.as_ref())?),
        _ => link_kind::describe(OP, name, kind, options.as_ref(), lower, |of| {
            index_of("primary", of)
        })?,
    });
    match send(session.here, &message) {
        Err(failure) if failure.errno == Errno::EEXIST && only_here(session, wanted)? => {
            under_passing_name(session, wanted, message)?;
        }
        made => made.at(OP, name)?,
    }
    if let Some(Peer {
        name,
        netns_path,
        up: true,
        ..
    }) = &wanted.peer
    {
        let up = LinkSet {
            up: Some(true),
            ..LinkSet::unchanged(name)
        };
        link_change::set(session.at(netns_path.as_deref())?, &up)?;
    }
    if let Some(alias) = &wanted.alias {
        let alias = LinkSet {
            alias: Some(alias.clone()),
            ..LinkSet::unchanged(name)
        };
        link_change::set(session.at(wanted.netns_path.as_deref())?, &alias)?;
    }
    Ok(())
}

fn send(socket: &mut Socket, message: &LinkMessage) -> Result<(), Failure> {
    socket.request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &bytes(message))
}

/// True when the name is not taken where the link shall be, but only where it is asked for.
fn only_here(session: &mut Session<'_>, wanted: &LinkAdd) -> Result<bool> {
    let Some(path) = wanted.netns_path.as_deref() else {
        return Ok(false);
    };
    let there = link::get(session.at(Some(path))?, &wanted.name);
    Ok(there.is_err_and(|failure| failure.errno == Errno::ENODEV))
}

/// Before Linux 6.15 a link that is born elsewhere cannot have the name of one where it is asked for (`rtnl_newlink` looks there). It
/// gets a name that nobody has, and its own where it belongs, while it is off: older kernels rename no other. Should we end in
/// between, the owner's group says whose it is.
fn under_passing_name(
    session: &mut Session<'_>,
    wanted: &LinkAdd,
    mut message: LinkMessage,
) -> Result<()> {
    let name = &wanted.name;
    let passing = random_name("nl").at(OP, name)?;
    for attribute in &mut message.attributes {
        if let LinkAttribute::IfName(given) = attribute {
            given.clone_from(&passing);
        }
    }
    message.header.flags = LinkFlags::empty();
    send(session.here, &message).at(OP, name)?;
    let there = session.at(wanted.netns_path.as_deref())?;
    link_change::rename(there, &passing, name)?;
    let up = wanted.up.then_some(true);
    let change = LinkSet {
        up,
        ..LinkSet::unchanged(name)
    };
    up.map_or(Ok(()), |_| link_change::set(there, &change))
}

/// `prefix` and eight random hexadecimal digits, which no link has but by accident.
pub(crate) fn random_name(prefix: &str) -> Result<String, Failure> {
    let number = OsRng.try_next_u32().map_err(|error| Failure {
        errno: Errno::EIO,
        text: Some(error.to_string()),
    });
    Ok(format!("{prefix}{:08x}", number?))
}

fn refuse_contradictions(wanted: &LinkAdd) -> Result<()> {
    let refuse = |reason: &str| Err(Error::invalid(OP, wanted.name.as_str(), reason));
    match wanted {
        // The kernel looks the master up in the namespace where the link is born.
        LinkAdd {
            master: Some(_),
            netns_path: Some(_),
            ..
        } => refuse("a link born in another namespace cannot have a master of this one"),
        LinkAdd {
            r#type: Kind::Veth,
            peer: None,
            ..
        } => refuse("a veth needs a peer"),
        LinkAdd {
            r#type: Kind::Vlan | Kind::Macvlan | Kind::Macvtap,
            lower: None,
            ..
        } => refuse("it needs a lower link"),
        LinkAdd {
            r#type:
                Kind::Bond
                | Kind::Bridge
                | Kind::Dummy
                | Kind::Ifb
                | Kind::Tun
                | Kind::Veth
                | Kind::Wireguard,
            lower: Some(_),
            ..
        } => refuse("this kind sits on no other link"),
        LinkAdd {
            r#type,
            peer: Some(_),
            ..
        } if *r#type != Kind::Veth => refuse("only a veth has a peer"),
        _ => Ok(()),
    }
}

fn open_netns(path: Option<&str>) -> Result<Option<File>, Failure> {
    path.map(|path| {
        File::open(path).map_err(|error| {
            let failure = Failure::from(error);
            let text = format!("namespace {path}: {}", failure.errno.desc());
            Failure {
                text: Some(text),
                ..failure
            }
        })
    })
    .transpose()
}

/// What both ends of a veth, and every other link, are described by.
struct Common<'a> {
    name: &'a str,
    mac: Option<&'a str>,
    mtu: Option<u32>,
    group: u32,
    netns: Option<&'a File>,
}

fn describe(message: &mut LinkMessage, link: &Common<'_>) -> Result<()> {
    let attributes = &mut message.attributes;
    attributes.push(LinkAttribute::IfName(link.name.to_owned()));
    attributes.push(LinkAttribute::Group(link.group));
    if let Some(mac) = link.mac {
        attributes.push(LinkAttribute::Address(parse_mac(OP, link.name, mac)?));
    }
    attributes.extend(link.mtu.map(LinkAttribute::Mtu));
    attributes.extend(
        link.netns
            .map(|file| LinkAttribute::NetNsFd(file.as_raw_fd())),
    );
    Ok(())
}

/// One queue an end. Unless told, the kernel makes one for each processor, and then uses one of them (`veth_init_queues`): a quarter of
/// a veth's creation with two processors, and more with more.
fn one_queue(message: &mut LinkMessage) {
    let queues = [LinkAttribute::NumTxQueues(1), LinkAttribute::NumRxQueues(1)];
    message.attributes.extend(queues);
}

fn veth(wanted: &LinkAdd, peer_netns: Option<&File>) -> Result<Vec<LinkInfo>> {
    let mut peer = LinkMessage::default();
    one_queue(&mut peer);
    if let Some(Peer {
        name,
        mac,
        mtu,
        group,
        ..
    }) = &wanted.peer
    {
        describe(
            &mut peer,
            &Common {
                name,
                mac: mac.as_deref(),
                mtu: *mtu,
                group: *group,
                netns: peer_netns,
            },
        )?;
    }
    let data = InfoData::Veth(InfoVeth::Peer(peer));
    Ok(vec![LinkInfo::Kind(InfoKind::Veth), LinkInfo::Data(data)])
}

/// `aa:bb:cc:dd:ee:ff` as bytes.
pub(crate) fn parse_mac(op: &'static str, link: &str, mac: &str) -> Result<Vec<u8>> {
    let octets: Option<Vec<u8>> = mac
        .split(':')
        .map(|part| {
            u8::from_str_radix(part, 16)
                .ok()
                .filter(|_| part.len() == 2)
        })
        .collect();
    octets
        .filter(|octets| octets.len() == 6)
        .ok_or_else(|| Error::invalid(op, link, format!("{mac} is not a MAC address")))
}
