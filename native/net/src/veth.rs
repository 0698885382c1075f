//! Veth pairs between a container's namespace and the host's.
//!
//! ```
//! use netloom_net::{block_on, mac::MacAddr, ns::Netns, veth::setup_veth};
//!
//! # block_on(async {
//! let container_ns = Netns::new().expect("Failed to create container namespace");
//! let host_ns = Netns::get().expect("Failed to get host network namespace");
//!
//! let container_veth_name = "veth0";
//! let host_veth_name = "veth1";
//! let mtu = 1500;
//! let container_mac = MacAddr::new([0x00, 0x15, 0x5D, 0x1A, 0x1F, 0x1C]);
//!
//! let veth = setup_veth(
//!     container_veth_name,
//!     host_veth_name,
//!     mtu,
//!     &container_mac,
//!     &host_ns,
//!     &container_ns,
//! ).await.expect("Failed to set up veth pair");
//! assert_eq!(veth.interface.mac, Some(container_mac));
//! assert_eq!(netloom_net::link::link_by_name("veth1")?.kind.as_deref(), Some("veth"));
//! # anyhow::Ok(())
//! # }).unwrap();
//! ```

use netlink_sys::protocols::NETLINK_ROUTE;
use nix::errno::Errno;
use serde_json::{Value, json};

pub use crate::cni_result::{CniDns, CniInterface, CniIp, CniResult, CniRoute};
use crate::{
    error::{At, Error, Result},
    link, link_add, link_change, link_helper,
    mac::MacAddr,
    ns::{Netns, logged},
    request::LinkSet,
    socket::Socket,
};

const OP: &str = "veth.setup";
/// A random name of 32 bits is taken about never; more attempts mean that something else is wrong.
const ATTEMPTS: usize = 10;

/// One end of a pair.
#[derive(Debug)]
pub struct Interface {
    /// Its name in `ns`.
    pub name: String,
    /// Its hardware address; before the pair exists, the wanted one or none.
    pub mac: Option<MacAddr>,
    /// Where it is.
    pub ns: Netns,
}

/// A veth pair: what one end sends, the other receives.
#[derive(Debug)]
pub struct Veth {
    /// The container's end.
    pub interface: Interface,
    /// The host's end.
    pub peer: Interface,
    /// Of both ends, in bytes.
    pub mtu: u32,
}

impl Veth {
    /// Describes a pair; [`setup_veth`] makes one.
    pub const fn new(interface: Interface, peer: Interface, mtu: u32) -> Self {
        Self {
            interface,
            peer,
            mtu,
        }
    }

    /// Gives the container's end another hardware address.
    pub fn set_mac_address(&mut self, mac: &MacAddr) -> anyhow::Result<()> {
        logged(set_mac(&mut self.interface, *mac))
    }

    /// Gives the host's end another hardware address.
    pub fn set_peer_mac_address(&mut self, mac: &MacAddr) -> anyhow::Result<()> {
        logged(set_mac(&mut self.peer, *mac))
    }

    /// Both ends as CNI names them: first the host's, then the container's with its namespace as sandbox.
    pub fn to_interfaces(&self) -> Vec<CniInterface> {
        let of = |end: &Interface, sandbox| CniInterface {
            name: end.name.clone(),
            mac: end.mac,
            mtu: self.mtu,
            sandbox,
        };
        vec![
            of(&self.peer, None),
            of(&self.interface, Some(self.interface.ns.reachable())),
        ]
    }

    /// What a CNI plugin prints for this pair.
    ///
    /// ```
    /// # use netloom_net::{block_on, ns::Netns, veth::{CniIp, setup_veth}};
    /// # let (host, container) = (Netns::get()?, Netns::new()?);
    /// let veth = block_on(setup_veth("eth0", "", 1500, None, &host, &container))?;
    /// let address = CniIp { address: "10.0.0.2/24".into(), gateway: None, interface: Some(1) };
    /// let result = serde_json::to_value(veth.to_cni_result(vec![address], vec![]))?;
    /// assert_eq!(result["cniVersion"], "1.1.0");
    /// assert_eq!(result["interfaces"][1]["name"], "eth0");
    /// # Ok::<(), anyhow::Error>(())
    /// ```
    pub fn to_cni_result(&self, ips: Vec<CniIp>, routes: Vec<CniRoute>) -> CniResult {
        CniResult {
            cni_version: "1.1.0",
            interfaces: self.to_interfaces(),
            ips,
            routes,
            dns: CniDns {},
        }
    }

    /// The pair as network configuration: the `link.add` of a batch, to be sent in the host's namespace. The container's end is
    /// born where it belongs and never moved.
    pub fn to_link_add(&self) -> Value {
        let Self {
            interface,
            peer,
            mtu,
        } = self;
        json!({
            "name": peer.name, "mac": peer.mac, "type": "veth", "mtu": mtu, "up": true, "group": 0,
            "peer": {
                "name": interface.name, "mac": interface.mac, "mtu": mtu, "up": true, "group": 0,
                "netnsPath": interface.ns.reachable(),
            },
        })
    }
}

/// Makes a veth pair, both ends up, by one request: the container's end is born in `container_ns`, the host's in `host_ns`.
///
/// An end without a name (`None` or `""`) gets a random one, `veth` and eight hexadecimal digits. Without `mac` the kernel gives the
/// container's end a random address. `EEXIST` when a given name is taken.
#[expect(
    clippy::unused_async,
    reason = "awaited by callers as seed 004 documents it; the kernel answers at once"
)]
pub async fn setup_veth<'a>(
    container_name: impl Into<Option<&'a str>>,
    host_name: impl Into<Option<&'a str>>,
    mtu: u32,
    mac: impl Into<Option<&'a MacAddr>>,
    host_ns: &Netns,
    container_ns: &Netns,
) -> anyhow::Result<Veth> {
    let given = |name: Option<&'a str>| name.filter(|name| !name.is_empty());
    let (container_name, host_name) = (given(container_name.into()), given(host_name.into()));
    let end = |ns: &Netns, mac| {
        let ns = ns.try_clone()?;
        let name = String::new();
        anyhow::Ok(Interface { name, mac, ns })
    };
    let container = end(container_ns, mac.into().copied())?;
    let mut veth = Veth::new(container, end(host_ns, None)?, mtu);
    logged(create(&mut veth, container_name, host_name))?;
    Ok(veth)
}

fn create(veth: &mut Veth, container_name: Option<&str>, host_name: Option<&str>) -> Result<()> {
    let mut host = socket_in(&veth.peer.ns)?;
    let named = container_name.is_some() && host_name.is_some();
    for attempt in 1.. {
        veth.interface.name = name_or_random(container_name)?;
        veth.peer.name = name_or_random(host_name)?;
        match link_helper::add(&mut host, veth.to_link_add()) {
            Ok(()) => break,
            Err(error) if error.errno == Errno::EEXIST && !named && attempt < ATTEMPTS => {}
            Err(error) => return Err(error),
        }
    }
    veth.peer.mac = read_mac(&mut host, &veth.peer)?;
    let mut container = socket_in(&veth.interface.ns)?;
    veth.interface.mac = read_mac(&mut container, &veth.interface)?;
    Ok(())
}

fn name_or_random(name: Option<&str>) -> Result<String> {
    if let Some(name) = name {
        return Ok(name.to_owned());
    }
    link_add::random_name("veth").at(OP, "random name")
}

fn set_mac(end: &mut Interface, mac: MacAddr) -> Result<()> {
    let change = LinkSet {
        mac: Some(mac.to_string()),
        ..LinkSet::unchanged(&end.name)
    };
    link_change::set(&mut socket_in(&end.ns)?, &change)?;
    end.mac = Some(mac);
    Ok(())
}

fn read_mac(socket: &mut Socket, end: &Interface) -> Result<Option<MacAddr>> {
    let link = link::get(socket, &end.name).at(OP, end.name.as_str())?;
    link.mac.map(|mac| mac.parse::<MacAddr>()).transpose()
}

fn socket_in(ns: &Netns) -> Result<Socket, Error> {
    ns.inside(|| Socket::open(NETLINK_ROUTE))
        .at(OP, ns.to_string())
}
