//! What a CNI plugin prints when it has attached a container (CNI specification 1.1.0, "ADD Success").

use serde::Serialize;

/// The answer of a CNI plugin; `serde_json` writes it as the specification says.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CniResult {
    /// `1.1.0`
    pub cni_version: &'static str,
    /// Both ends: first the host's, then the container's.
    pub interfaces: Vec<CniInterface>,
    /// Addresses of the container.
    pub ips: Vec<CniIp>,
    /// Routes of the container.
    pub routes: Vec<CniRoute>,
    /// Always there, and empty: names are not for this library.
    pub dns: CniDns,
}

/// A link that was made.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CniInterface {
    /// Its name where it is.
    pub name: String,
    /// Its hardware address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac: Option<crate::mac::MacAddr>,
    /// Largest packet in bytes.
    pub mtu: u32,
    /// Path of the namespace it is in; none for the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<String>,
}

/// An address that the container has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CniIp {
    /// With its prefix length.
    pub address: String,
    /// The default gateway of that network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
    /// Position in [`CniResult::interfaces`]; the container's is 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface: Option<usize>,
}

/// A route that the container has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CniRoute {
    /// A prefix; `0.0.0.0/0` is the default route.
    pub dst: String,
    /// The gateway; none for a network on the link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gw: Option<String>,
}

/// No settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CniDns {}
