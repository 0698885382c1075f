//! Helpers for single links of the calling thread's namespace; inside [`exec_netns`](crate::ns::exec_netns), of the one entered.

use libc::RTM_NEWLINK;
use netlink_packet_route::link::{
    InfoBridgePort, InfoPortData, InfoPortKind, LinkAttribute, LinkInfo, LinkMessage,
};
use netlink_sys::protocols::NETLINK_ROUTE;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    error::{At, Error, Failure, Result},
    link, link_add, link_change,
    mac::MacAddr,
    ns::logged,
    request::{LinkAdd, LinkSet},
    session::{Elsewhere, Session},
    socket::{Socket, bytes},
};

/// What the helpers tell of a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LinkState {
    /// Unique in its namespace.
    pub index: u32,
    /// Unique in its namespace.
    pub name: String,
    /// `veth`, `bridge`...; `None` for physical NICs and `lo`.
    pub kind: Option<String>,
    /// `None` where the link layer has none of six bytes.
    pub mac: Option<MacAddr>,
    /// Largest packet in bytes, without the link-layer header.
    pub mtu: u32,
    /// Switched on by the administrator.
    pub up: bool,
    /// Index of the bridge or bond that it is a port of.
    pub master: Option<u32>,
}

impl From<link::Link> for LinkState {
    fn from(link: link::Link) -> Self {
        Self {
            index: link.index,
            name: link.name,
            kind: link.kind,
            mac: link.mac.and_then(|mac| mac.parse().ok()),
            mtu: link.mtu,
            up: link.up,
            master: link.master,
        }
    }
}

/// The link called `name`; `ENODEV` when there is none.
///
/// ```
/// let lo = netloom_net::link::link_by_name("lo")?;
/// assert_eq!(netloom_net::link::link_by_index(lo.index)?.name, "lo");
/// # Ok::<(), anyhow::Error>(())
/// ```
pub fn link_by_name(name: &str) -> anyhow::Result<LinkState> {
    logged(here("link.get", name, |socket| link::get(socket, name)).map(LinkState::from))
}

/// The link with that number; `ENODEV` when there is none.
pub fn link_by_index(index: u32) -> anyhow::Result<LinkState> {
    let found = here("link.get", &format!("link {index}"), |socket| {
        link::get_index(socket, index)
    });
    logged(found.map(LinkState::from))
}

/// Makes a link of a `kind` that needs no more than a name (`bridge`). `EEXIST` when the name is taken.
///
/// ```
/// use netloom_net::{block_on, link, ns::{Netns, exec_netns}};
///
/// # fn main() -> anyhow::Result<()> {
/// block_on(exec_netns(&Netns::get()?, &Netns::new()?, async {
///     let bridge = link::add_link("br0", "bridge")?;
///     link::link_set_up("br0")?;
///     assert!(link::link_by_index(bridge.index)?.up);
///     Ok(())
/// }))
/// # }
/// ```
pub fn add_link(name: &str, kind: &str) -> anyhow::Result<LinkState> {
    const OP: &str = "link.add";
    let request = json!({ "name": name, "type": kind, "group": 0 });
    logged(open(OP, name).and_then(|mut socket| add(&mut socket, request)))?;
    link_by_name(name)
}

/// Switches the link `name` on.
pub fn link_set_up(name: &str) -> anyhow::Result<()> {
    change(&LinkSet {
        up: Some(true),
        ..LinkSet::unchanged(name)
    })
}

/// Switches the link `name` off.
pub fn link_set_down(name: &str) -> anyhow::Result<()> {
    change(&LinkSet {
        up: Some(false),
        ..LinkSet::unchanged(name)
    })
}

/// Makes the link `name` a port of the bridge or bond `master`, or of none.
pub fn link_set_master(name: &str, master: Option<&str>) -> anyhow::Result<()> {
    change(&LinkSet {
        master: master.map(str::to_owned).into(),
        ..LinkSet::unchanged(name)
    })
}

/// Gives the link `name` another hardware address.
pub fn link_set_mac_address(name: &str, mac: &MacAddr) -> anyhow::Result<()> {
    change(&LinkSet {
        mac: Some(mac.to_string()),
        ..LinkSet::unchanged(name)
    })
}

/// Lets the bridge send frames back out of the port `name` that they came in by. `EINVAL` when it is no port of a bridge.
pub fn link_set_hairpin(name: &str, on: bool) -> anyhow::Result<()> {
    // Of an existing link, RTM_NEWLINK changes the options of its kind; RTM_SETLINK ignores them without a word.
    const OP: &str = "link.hairpin";
    let set = |socket: &mut Socket| {
        let mut message = LinkMessage::default();
        message.header.index = link::get(socket, name)?.index;
        let data = InfoPortData::BridgePort(vec![InfoBridgePort::HairpinMode(on)]);
        message.attributes.push(LinkAttribute::LinkInfo(vec![
            LinkInfo::PortKind(InfoPortKind::Bridge),
            LinkInfo::PortData(data),
        ]));
        socket.request(RTM_NEWLINK, 0, &bytes(&message))
    };
    logged(here(OP, name, set))
}

/// Executes a `link.add` of the batch vocabulary.
pub(crate) fn add(socket: &mut Socket, request: Value) -> Result<()> {
    let wanted: LinkAdd = serde_json::from_value(request)
        .map_err(|error| Error::invalid("link.add", "request", error.to_string()))?;
    link_add::add(
        &mut Session::new(socket, &mut Elsewhere::default()),
        &wanted,
    )
}

fn change(wanted: &LinkSet) -> anyhow::Result<()> {
    let done =
        open("link.set", &wanted.name).and_then(|mut socket| link_change::set(&mut socket, wanted));
    logged(done)
}

fn here<T>(
    op: &'static str,
    target: &str,
    work: impl FnOnce(&mut Socket) -> Result<T, Failure>,
) -> Result<T> {
    work(&mut open(op, target)?).at(op, target)
}

fn open(op: &'static str, target: &str) -> Result<Socket> {
    Socket::open(NETLINK_ROUTE).at(op, target)
}
